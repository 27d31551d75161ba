// The page of a person's own account: times in the viewer's time zone.

import { localise } from "./times.js";

localise(document);
