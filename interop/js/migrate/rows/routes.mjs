import assert from "node:assert/strict";
import { row, urls } from "../subject.mjs";

/** A row that answers a request with this text. */
function answers(name, request, expected, type = /^text\/(html|plain); charset=utf-8$/) {
  const test = async () => {
    const response = await fetch(urls.routes + request.path, request);
    assert.equal(response.status, 200);
    assert.equal((await response.text()).trim(), expected);
    assert.match(response.headers.get("content-type").toLowerCase(), type);
  };
  row(name, test);
}

answers('app.use(express.static("public"))', { path: "/page.txt" }, "static");
answers('app.get("/health", (req, res) => res.send("ok"))', { path: "/health" }, "ok");
const NAMED = 'app.get("/u/:id", (req, res) => res.send(req.params.id))';
answers(NAMED, { path: "/u/a%20b" }, "a b");
const FIND = 'app.get("/find", (req, res) => res.send(req.query.q))';
answers(FIND, { path: "/find?q=a+b" }, "a b");
const SUM = 'app.post("/sum", express.json(), (req, res) => res.json(req.body[0] + req.body[1]))';
const headers = { "content-type": "application/json" };
const sum = { path: "/sum", method: "POST", headers, body: "[1, 2.5]" };
answers(SUM, sum, "3.5", /^application\/json/);

const gone = async () => {
  const response = await fetch(`${urls.routes}/gone`);
  assert.equal(response.status, 204);
  assert.equal(await response.text(), "");
};
row('app.get("/gone", (req, res) => res.status(204).end())', gone);
