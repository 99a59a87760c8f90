// An independent ActivityPub server with one actor, built on the Fedify library, that Rochdale is
// tested against. It keeps everything in memory and does what it is told on a plain HTTP port:
//
//   HOST=fedify.test PORT=18085 NODE_EXTRA_CA_CERTS=ca.pem node peer.mjs
//
// Everything under /ctl/ is for the test alone; the rest is what the world sees.
import {
  createFederation, generateCryptoKeyPair, InProcessMessageQueue, MemoryKvStore,
} from "@fedify/fedify";
import {
  Accept, Add, Announce, Block, Create, Delete, Endpoints, Follow, isActor, Like, Mention, Note, Person,
  PUBLIC_COLLECTION, Reject, Tombstone, Undo, Update,
} from "@fedify/fedify/vocab";
import { serve } from "@hono/node-server";
import { Temporal } from "@js-temporal/polyfill";

const host = process.env.HOST ?? "fedify.test";
const port = Number(process.env.PORT ?? 18085);
const origin = `https://${host}`;
const name = "fay";

const keyPairs = [await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"), await generateCryptoKeyPair("Ed25519")];
const followers = new Map(); // address -> actor
const notes = new Map(); // id -> Note
const sent = new Map(); // address -> activity, to be undone
const held = new Map(); // address -> Follow that was not answered yet
const came = []; // what came in
let answer = "accept";
let serial = 0;

const federation = createFederation({
  kv: new MemoryKvStore(), queue: new InProcessMessageQueue(), allowPrivateAddress: true,
});

const note = (what, from, object, more = {}) => came.push({ what, from: from?.href, object: object?.href, ...more });

federation.setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
  if (identifier !== name) return null;
  const keys = await ctx.getActorKeyPairs(identifier);
  return new Person({
    id: ctx.getActorUri(identifier), preferredUsername: identifier, name: "Fay", summary: "<p>I am a test.</p>",
    url: new URL(`${origin}/@${identifier}`), inbox: ctx.getInboxUri(identifier), outbox: ctx.getOutboxUri(identifier),
    followers: ctx.getFollowersUri(identifier), endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
    manuallyApprovesFollowers: answer !== "accept", discoverable: true,
    publicKey: keys[0].cryptographicKey, assertionMethods: keys.map((k) => k.multikey),
  });
}).setKeyPairsDispatcher((_ctx, identifier) => identifier === name ? keyPairs : []);

federation.setOutboxDispatcher("/users/{identifier}/outbox", (_ctx, identifier) =>
  identifier === name ? { items: [] } : null);
federation.setFollowersDispatcher("/users/{identifier}/followers", (_ctx, identifier) =>
  identifier === name
    ? { items: [...followers.values()].map((a) => ({ id: a.id, inboxId: a.inboxId, endpoints: a.endpoints })) }
    : null);
federation.setObjectDispatcher(Note, "/notes/{id}", (_ctx, { id }) => notes.get(id) ?? null);

const respond = async (ctx, follow, from, Kind) => {
  if (Kind === Accept) followers.set(from.id.href, from);
  await ctx.sendActivity({ identifier: name }, from, new Kind({
    id: new URL(`${origin}/answers/${++serial}`), actor: ctx.getActorUri(name), object: follow,
  }));
};

federation.setInboxListeners("/users/{identifier}/inbox", "/inbox")
  .setSharedKeyDispatcher(() => ({ identifier: name }))
  .on(Follow, async (ctx, follow) => {
    const from = await follow.getActor(ctx);
    note("Follow", follow.actorId, follow.objectId);
    if (!isActor(from)) return;
    if (answer === "hold") held.set(from.id.href, { follow, from });
    else await respond(ctx, follow, from, answer === "accept" ? Accept : Reject);
  })
  .on(Undo, async (ctx, undo) => {
    const what = await undo.getObject(ctx);
    if (what instanceof Follow) followers.delete(undo.actorId.href);
    note(`Undo ${what?.constructor.name}`, undo.actorId, what?.objectId);
  })
  .on(Create, async (ctx, create) => {
    const o = await create.getObject(ctx);
    note("Create", create.actorId, o?.id, {
      content: String(o?.content ?? ""), summary: String(o?.summary ?? ""), replyTo: o?.replyTargetId?.href,
      to: [...(o?.toIds ?? [])].map((u) => u.href), cc: [...(o?.ccIds ?? [])].map((u) => u.href),
    });
  })
  .on(Update, async (ctx, update) => {
    const o = await update.getObject(ctx);
    note("Update", update.actorId, o?.id, { content: String(o?.content ?? ""), name: String(o?.name ?? "") });
  })
  .on(Delete, (_ctx, a) => note("Delete", a.actorId, a.objectId))
  .on(Accept, (_ctx, a) => note("Accept", a.actorId, a.objectId))
  .on(Reject, (_ctx, a) => note("Reject", a.actorId, a.objectId))
  .on(Announce, (_ctx, a) => note("Announce", a.actorId, a.objectId))
  .on(Like, (_ctx, a) => note("Like", a.actorId, a.objectId))
  .on(Block, (_ctx, a) => note("Block", a.actorId, a.objectId))
  .on(Add, (_ctx, a) => note("Add", a.actorId, a.objectId));

// What the test may order. Each takes the body of a POST and gives something to answer with.
const orders = {
  async follow(ctx, { actor }) {
    const to = await look(ctx, actor);
    const follow = new Follow({ id: new URL(`${origin}/follows/${++serial}`), actor: ctx.getActorUri(name), object: to.id });
    await send(ctx, to, follow);
    return { id: follow.id.href };
  },
  async note(ctx, { content, summary, replyTo, mention, visibility = "public" }) {
    const id = String(++serial), uri = ctx.getObjectUri(Note, { id });
    const named = mention ? [await look(ctx, mention)] : [];
    const audience = address(ctx, visibility, named);
    const n = new Note({
      id: uri, url: uri, attribution: ctx.getActorUri(name), content, summary, sensitive: Boolean(summary), ...audience,
      replyTarget: replyTo ? new URL(replyTo) : null, published: Temporal.Now.instant(),
      tags: named.map((a) => new Mention({ href: a.id, name: `@${a.preferredUsername}` })),
    });
    notes.set(id, n);
    await spread(ctx, new Create({ id: new URL("#create", uri), actor: ctx.getActorUri(name), object: n, ...audience }), visibility, named);
    return { id: uri.href };
  },
  async edit(ctx, { id, content }) {
    const key = id.split("/").pop();
    const n = notes.get(key).clone({ content, updated: Temporal.Now.instant() });
    notes.set(key, n);
    const audience = address(ctx, "public", []);
    await spread(ctx, new Update({ id: new URL(`#update/${++serial}`, n.id), actor: ctx.getActorUri(name), object: n, ...audience }), "public", []);
    return {};
  },
  async delete(ctx, { id }) {
    notes.delete(id.split("/").pop());
    await spread(ctx, new Delete({
      id: new URL("#delete", id), actor: ctx.getActorUri(name), object: new Tombstone({ id: new URL(id) }), to: PUBLIC_COLLECTION,
    }), "public", []);
    return {};
  },
  async like(ctx, { object, author }) {
    const like = new Like({ id: new URL(`${origin}/likes/${++serial}`), actor: ctx.getActorUri(name), object: new URL(object) });
    await send(ctx, await look(ctx, author), like);
    return { id: like.id.href };
  },
  async announce(ctx, { object, author }) {
    const boost = new Announce({
      id: new URL(`${origin}/boosts/${++serial}`), actor: ctx.getActorUri(name), object: new URL(object), ...address(ctx, "public", []),
      published: Temporal.Now.instant(),
    });
    sent.set(boost.id.href, boost);
    await spread(ctx, boost, "public", author ? [await look(ctx, author)] : []);
    return { id: boost.id.href };
  },
  async undo(ctx, { id, to }) {
    const activity = sent.get(id);
    await send(ctx, await look(ctx, to), new Undo({ id: new URL(`${origin}/undos/${++serial}`), actor: ctx.getActorUri(name), object: activity }));
    return {};
  },
  answering(_ctx, { how }) {
    answer = how;
    return {};
  },
  async release(ctx, { actor, how }) {
    const { follow, from } = held.get(actor);
    held.delete(actor);
    await respond(ctx, follow, from, how === "accept" ? Accept : Reject);
    return {};
  },
  async look(ctx, { address: what }) {
    const o = await lookup(ctx, what);
    return o ? await o.toJsonLd({ contextLoader: ctx.contextLoader }) : null;
  },
  log: () => came,
};

async function lookup(ctx, what) {
  return await ctx.lookupObject(what, { documentLoader: await ctx.getDocumentLoader({ identifier: name }) });
}

async function look(ctx, what) {
  const a = await lookup(ctx, what);
  if (!isActor(a)) throw new Error(`${what} is not an actor`);
  return a;
}

async function send(ctx, to, activity) {
  sent.set(activity.id.href, activity);
  await ctx.sendActivity({ identifier: name }, to, activity);
}

function address(ctx, visibility, named) {
  const all = named.map((a) => a.id), fans = ctx.getFollowersUri(name);
  switch (visibility) {
    case "public": return { tos: [PUBLIC_COLLECTION], ccs: [fans, ...all] };
    case "unlisted": return { tos: [fans], ccs: [PUBLIC_COLLECTION, ...all] };
    case "followers": return { tos: [fans, ...all] };
    default: return { tos: all };
  }
}

async function spread(ctx, activity, visibility, named) {
  if (visibility !== "direct") {
    await ctx.sendActivity({ identifier: name }, "followers", activity, { preferSharedInbox: true });
  }
  const rest = named.filter((a) => visibility === "direct" || !followers.has(a.id.href));
  if (rest.length > 0) await ctx.sendActivity({ identifier: name }, rest, activity);
}

serve({
  port, hostname: "127.0.0.1",
  async fetch(request) {
    const url = new URL(request.url);
    const [, first, order] = url.pathname.split("/");
    if (first !== "ctl") {
      return await federation.fetch(new Request(origin + url.pathname + url.search, request), { contextData: undefined });
    }
    try {
      const body = request.method === "POST" ? await request.json() : {};
      return Response.json(await orders[order](federation.createContext(new URL(origin), undefined), body) ?? null);
    } catch (e) {
      return new Response(String(e?.stack ?? e), { status: 500 });
    }
  },
});
console.log(`acct:${name}@${host} on port ${port}`);
