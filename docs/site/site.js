// A table that is wider than its page is scrolled, so the keyboard has to reach it.
const WIDE = ".md-typeset__scrollwrap, .md-typeset table:not([class])";
let waiting = 0;
const reach = () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const wide = [...document.querySelectorAll(WIDE)].filter((one) => one.scrollWidth > one.clientWidth);
    for (const one of wide) {
      one.tabIndex = 0;
    }
  }, 100);
};
new MutationObserver(reach).observe(document.querySelector("article"), { childList: true, subtree: true });
addEventListener("resize", reach);
reach();
