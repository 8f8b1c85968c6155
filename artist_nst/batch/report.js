"use strict";
const form = document.querySelector(".filters");
const items = [...document.querySelectorAll("[data-state]")];
function filter() {
  const { state, artist } = Object.fromEntries(new FormData(form));
  let count = 0;
  for (const item of items) {
    const isShown =
      (!state || item.dataset.state === state) &&
      (!artist || item.dataset.artist === artist);
    item.hidden = !isShown;
    count += isShown;
  }
  document.getElementById("shown").textContent = `${count.toLocaleString("en")} shown`;
}
form.addEventListener("change", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
