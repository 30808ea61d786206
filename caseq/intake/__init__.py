"""Taking in what case systems push, and what waits for the bureau to agree: all that gets into the ledger gets in here.

One request is one transaction, with one outcome for every event. A change that must be agreed to first is accepted,
kept and not placed; the last signature places it by the same way as if it had just been pushed.
"""

from caseq.intake.batch import Pushed as Pushed
from caseq.intake.batch import Result as Result
from caseq.intake.taking import MOST_RECORDS as MOST_RECORDS
from caseq.intake.taking import Replayed as Replayed
from caseq.intake.taking import TakenIn as TakenIn
from caseq.intake.taking import checkpoint as checkpoint
from caseq.intake.taking import counted as counted
from caseq.intake.taking import held_records as held_records
from caseq.intake.taking import take as take
from caseq.intake.taking import take_again as take_again
from caseq.intake.taking import take_file as take_file
