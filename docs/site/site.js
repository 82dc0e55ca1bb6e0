// A table that is wider than its page is scrolled, so the keyboard has to reach it.
const reach = () => {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset table:not([class])")) {
    if (wide.scrollWidth > wide.clientWidth && !wide.querySelector("[tabindex]")) {
      wide.tabIndex = 0;
    }
  }
};
new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", reach);
reach();
