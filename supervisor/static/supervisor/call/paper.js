// The print view of a call: times in the reader's time zone, then the browser's dialog.

import { localise } from "../times.js";

localise(document);
addEventListener("load", () => setTimeout(print));
