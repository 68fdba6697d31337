// The first page says all it has to say by itself.

import { start } from "./page.js";

start({});
