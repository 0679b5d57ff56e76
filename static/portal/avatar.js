// A person's picture in a circle, as core.console.people shows it: over the initials, which show where there is none, or none yet.
export function avatar({ initials, colour, picture }) {
  const circle = document.createElement("span");
  circle.className = `portal-avatar portal-avatar-${colour}`;
  circle.ariaHidden = "true";
  circle.textContent = initials;
  if (picture) {
    const image = document.createElement("img");
    image.alt = "";
    image.src = picture;
    circle.append(image);
  }
  return circle;
}
