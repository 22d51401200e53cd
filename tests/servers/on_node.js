// `node on_node.js PORT`: as the others, with node's own http server.
"use strict";

const { createHash } = require("node:crypto");
const { appendFileSync } = require("node:fs");
const { createServer } = require("node:http");

createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("error", () => {});
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    const digest = createHash("sha256").update(body).digest("hex");
    const seen = { method: request.method, target: request.url, length: body.length, digest };
    appendFileSync(process.env.SEEN, JSON.stringify(seen) + "\n");
    response.setHeader("Content-Length", "2");
    response.end(request.method === "HEAD" ? undefined : "ok");
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
