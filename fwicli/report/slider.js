"use strict";
for (const slider of document.querySelectorAll("figure.slider")) {
  const frames = JSON.parse(slider.querySelector("script").textContent);
  const range = slider.querySelector("input");
  const fields = slider.querySelectorAll("img.field");
  const show = () => {
    const label = frames.labels[range.valueAsNumber];
    slider.querySelector("output").textContent = label;
    range.setAttribute("aria-valuetext", label);
    fields.forEach((field, panel) => {
      field.src = frames.fields[panel][range.valueAsNumber];
      field.alt = `${frames.titles[panel]}: ${label}`;
    });
  };
  slider.querySelector(".control").hidden = false;
  range.addEventListener("input", show);
  show();
}
