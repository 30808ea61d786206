// Leave fast: the link replaces this page, Shift pressed three times follows it, and a page that a browser
// kept for its back button asks the server again.
addEventListener("pageshow", (event) => event.persisted && location.reload());

const link = document.querySelector(".leave");
let shifts = 0;
const leave = (event) => {
  event.preventDefault();
  document.querySelector("main").hidden = true;
  location.replace(link.href);
};
link.addEventListener("click", leave);
addEventListener("keyup", (event) => {
  shifts = event.key === "Shift" ? shifts + 1 : 0;
  if (shifts === 3) leave(event);
});
