// What makes pages swift. Every page works without any of this: the modules only take up what the
// markup offers, by data attributes, and listen on the document, so that parts which htmx swaps in
// later need no set-up of their own. Words come from the page, where they were translated.
import "../../third_party/htmx/htmx.esm.js";
import "../../third_party/htmx/hx-sse.js";
import "./theme.js";
import "./composer.js";
import "./confirm.js";
import "./copy.js";
import "./keys.js";
import "./menu.js";
import "./stream.js";
import "./times.js";

document.documentElement.classList.add("js");
