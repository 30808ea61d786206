"""The only Flask, flask-limiter and marshmallow: requests in, acts, answers out."""
