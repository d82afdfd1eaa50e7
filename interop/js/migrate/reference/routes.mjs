// "Express".

import express from "express";
import http from "node:http";
import { listen } from "./ports.mjs";

/** Starts the server. */
export async function startRoutes() {
  const app = express();
  app.use(express.static("public"));
  app.get("/health", (req, res) => res.send("ok"));
  app.get("/u/:id", (req, res) => res.send(req.params.id));
  app.get("/find", (req, res) => res.send(req.query.q));
  app.post("/sum", express.json(), (req, res) => res.json(req.body[0] + req.body[1]));
  app.get("/gone", (req, res) => res.status(204).end());
  await listen(http.createServer(app), "routes");
}
