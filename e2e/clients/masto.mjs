// Everything that an app built on masto.js does with an account, one line of output for each step that
// worked. The address of the consent page goes out on one line, the code comes in on the next.
import { createInterface } from "node:readline/promises";
import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { createOAuthAPIClient, createRestAPIClient, createStreamingAPIClient } from "masto";

const url = process.env.SERVER;
const picture = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC", "base64");
const lines = createInterface({ input: process.stdin });
const say = (step) => console.log(`ok ${step}`);

// Sign in, with PKCE and the code shown to the member.
const open = createRestAPIClient({ url });
const redirectUri = "urn:ietf:wg:oauth:2.0:oob";
const scope = "read write follow push";
const app = await open.v1.apps.create({ clientName: "masto.js", redirectUris: redirectUri, scopes: scope, website: "https://masto.example" });
const verifier = randomBytes(32).toString("base64url");
const consent = new URL("/oauth/authorize", url);
consent.search = new URLSearchParams({
  response_type: "code", client_id: app.clientId, redirect_uri: redirectUri, scope,
  code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
});
console.log(`consent ${consent}`);
const code = (await lines[Symbol.asyncIterator]().next()).value;
const oauth = createOAuthAPIClient({ url });
const token = await oauth.token.create({ grantType: "authorization_code", clientId: app.clientId, clientSecret: app.clientSecret, redirectUri, code, codeVerifier: verifier, scope });
const accessToken = token.accessToken;
const rest = createRestAPIClient({ url, accessToken });
const me = await rest.v1.accounts.verifyCredentials();
assert.equal(me.username, "ann");
say("sign in");

const instance = await open.v2.instance.fetch();
assert.equal(instance.title, "Test Co-op");
assert.ok(instance.configuration.statuses.maxCharacters >= 500);
await open.v1.instance.fetch();
say("instance");

// Listen before anything happens.
const streaming = createStreamingAPIClient({ streamingApiUrl: instance.configuration.urls.streaming, accessToken, implementation: WebSocket });
const heard = [];
let wake = () => {};
const listen = async () => {
  for await (const e of streaming.user.subscribe()) { heard.push(e); wake(); }
};
const listening = listen().catch((e) => { if (!done) throw e; });
let done = false;
const hears = async (event, holds) => {
  for (const until = Date.now() + 15000; Date.now() < until; ) {
    if (heard.some((e) => e.event === event && holds(e.payload))) return;
    await new Promise((r) => { wake = r; setTimeout(r, 200); });
  }
  throw new Error(`heard no ${event}, only ${heard.map((e) => e.event)}`);
};
await new Promise((r) => setTimeout(r, 700));

const media = await rest.v2.media.create({ file: new Blob([picture], { type: "image/png" }), description: "four squares", focus: "0,0.5" });
assert.equal(media.description, "four squares");
await rest.v1.media.$select(media.id).update({ description: "a square" });
const post = await rest.v1.statuses.create({ status: "Hello from #mastojs", mediaIds: [media.id], visibility: "public", language: "en" });
assert.equal(post.mediaAttachments[0].description, "a square");
assert.equal((await fetch(post.mediaAttachments[0].url)).status, 200);
say("post with a picture");
await hears("update", (p) => p.id === post.id);
say("stream update");

assert.equal((await rest.v1.statuses.$select(post.id).fetch()).content, post.content);
assert.equal((await rest.v1.timelines.home.list())[0].id, post.id);
assert.equal((await rest.v1.timelines.public.list({ local: true }))[0].id, post.id);
assert.equal((await rest.v1.timelines.tag.$select("mastojs").list())[0].id, post.id);
assert.equal((await rest.v1.accounts.$select(me.id).statuses.list({ onlyMedia: true }))[0].id, post.id);
say("timelines");

const reply = await rest.v1.statuses.create({ status: "And an answer", inReplyToId: post.id });
const context = await rest.v1.statuses.$select(post.id).context.fetch();
assert.equal(context.descendants[0].id, reply.id);
say("reply");

for (const [act, key] of [["favourite", "favourited"], ["bookmark", "bookmarked"], ["pin", "pinned"]]) {
  assert.equal((await rest.v1.statuses.$select(post.id)[act]())[key], true, act);
}
const boost = await rest.v1.statuses.$select(post.id).reblog();
assert.equal(boost.reblog.id, post.id);
await rest.v1.statuses.$select(post.id).unreblog();
assert.equal((await rest.v1.favourites.list())[0].id, post.id);
assert.equal((await rest.v1.bookmarks.list())[0].id, post.id);
say("marks");

const edited = await rest.v1.statuses.$select(post.id).update({ status: "Hello again from #mastojs", mediaIds: [media.id], mediaAttributes: [{ id: media.id, description: "still a square" }] });
assert.equal(edited.mediaAttachments[0].description, "still a square");
assert.equal((await rest.v1.statuses.$select(post.id).source.fetch()).text, "Hello again from #mastojs");
assert.equal((await rest.v1.statuses.$select(post.id).history.list()).length, 2);
await hears("status.update", (p) => p.id === post.id);
say("edit");

const bob = await rest.v1.accounts.lookup({ acct: "bob" });
await rest.v1.accounts.$select(bob.id).follow({ notify: true });
const [relation] = await rest.v1.accounts.relationships.fetch({ id: [bob.id] });
assert.equal(relation.following, true);
const bobs = createRestAPIClient({ url, accessToken: process.env.BOBS_TOKEN });
const mention = await bobs.v1.statuses.create({ status: "@ann have you seen this?" });
await bobs.v1.statuses.$select(post.id).favourite();
await hears("notification", (p) => p.type === "mention" && p.status.id === mention.id);
await hears("notification", (p) => p.type === "favourite" && p.account.username === "bob");
assert.ok((await rest.v1.notifications.list({ types: ["mention"] })).some((n) => n.status.id === mention.id));
const grouped = await rest.v2.notifications.list();
assert.ok(grouped.notificationGroups.some((g) => g.type === "favourite" && g.statusId === post.id));
await rest.v2.notifications.policy.fetch();
await rest.v1.markers.create({ notifications: { lastReadId: (await rest.v1.notifications.list())[0].id } });
assert.equal((await rest.v1.notifications.unreadCount.fetch()).count, 0);
say("notifications");

const found = await rest.v2.search.list({ q: "bob" });
assert.equal(found.accounts[0].id, bob.id);
const profile = await rest.v1.accounts.updateCredentials({ displayName: "Ann", note: "weaver", fieldsAttributes: [{ name: "Craft", value: "weaving" }], avatar: new Blob([picture], { type: "image/png" }) });
assert.equal(profile.fields[0].value, "weaving");
assert.equal((await fetch(profile.avatar)).status, 200);
await rest.v1.preferences.fetch();
await rest.v2.filters.list();
await rest.v1.lists.list();
await rest.v1.customEmojis.list();
await rest.v1.announcements.list();
await rest.v1.conversations.list();
say("profile and the rest");

const pages = [];
for (let n = 0; n < 5; n++) await rest.v1.statuses.create({ status: `page ${n}`, visibility: "unlisted" });
for await (const page of rest.v1.accounts.$select(me.id).statuses.list({ limit: 2 })) pages.push(...page);
assert.equal(new Set(pages.map((s) => s.id)).size, pages.length);
assert.ok(pages.length >= 7);
say("pages");

await rest.v1.statuses.$select(reply.id).remove();
await hears("delete", (p) => p === reply.id);
await assert.rejects(rest.v1.statuses.$select(reply.id).fetch(), { statusCode: 404 });
say("delete");

done = true;
streaming.close();
await listening;
await oauth.revoke({ clientId: app.clientId, clientSecret: app.clientSecret, token: accessToken }).catch(async (e) => {
  throw new Error(`revoke: ${e.message}`);
});
await assert.rejects(rest.v1.accounts.verifyCredentials(), { statusCode: 401 });
say("revoke");
process.exit(0);
