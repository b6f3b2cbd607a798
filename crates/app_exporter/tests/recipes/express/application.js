// A shop on Express whose sessions are in Redis, and five people who come to it.

const { once } = require("node:events");
const express = require("express");
const session = require("express-session");
const { RedisStore } = require("connect-redis");
const { createClient } = require("redis");

async function main(socket) {
  const client = createClient({ socket: { path: socket } });
  await client.connect();

  const shop = express();
  const store = new RedisStore({ client });
  shop.use(session({ store, secret: "of no use", resave: false, saveUninitialized: false }));
  shop.get("/", (req, res) => res.send("welcome"));
  shop.get("/login/:name", (req, res) => {
    req.session.user = req.params.name;
    if (req.query.for) req.session.cookie.maxAge = Number(req.query.for);
    res.send(req.session.id);
  });
  shop.get("/logout", (req, res, next) =>
    req.session.destroy((error) => (error ? next(error) : res.send("bye"))),
  );
  const server = shop.listen(0, "127.0.0.1");
  await once(server, "listening");

  const visit = async (path, cookie) => {
    const headers = cookie ? { cookie } : {};
    const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return { text, cookie: answer.headers.get("set-cookie")?.split(";")[0] };
  };

  await visit("/");
  await visit("/login/ada");
  const bob = await visit("/login/bob");
  await client.expire(`sess:${bob.text}`, 60);
  await visit("/", bob.cookie);
  if ((await client.ttl(`sess:${bob.text}`)) <= 60) throw new Error("a request does not prolong a session");
  const eve = await visit("/login/eve");
  await visit("/logout", eve.cookie);
  // Her session ends within a second.
  await visit("/login/mallory?for=1");

  await client.set("cache:front-page", "<html>");
  server.closeAllConnections();
  server.close();
  await client.quit();
}

main(process.argv[1]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
