// Entry of the classic script: the page gets one global, `io`.

import { io } from "./index.js";

globalThis.io = io;
