// The Engine.IO client of Socket.IO 2, as a module.

import open from "engine.io-client-3";

export const { Socket } = open;
