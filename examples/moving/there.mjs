// What WAHA and Evolution API tell of themselves, in one shape: {name, proxy?, webhooks: [{url, events, headers}], left: [words]}.

/** Their events by ours; an empty list is an event that Wharf does not have. */
const WAHA = {
  "*": ["*"],
  message: ["message.received"],
  "message.any": ["message.received", "message.sent"],
  "message.ack": ["message.sent", "message.delivered", "message.read", "message.failed"],
  "message.reaction": ["message.reaction"],
  "message.edited": ["message.edited"],
  "message.revoked": ["message.deleted"],
  "poll.vote": ["poll.vote"],
  "session.status": ["session.status"],
  "state.change": ["session.status"],
  "group.join": ["group.updated"],
  "group.leave": ["group.updated"],
  "group.v2.join": ["group.updated"],
  "group.v2.leave": ["group.updated"],
  "group.v2.participants": ["group.updated"],
  "group.v2.update": ["group.updated"],
  "call.received": ["call.received"],
  "call.accepted": ["call.ended"],
  "call.rejected": ["call.ended"],
};
const EVOLUTION = {
  MESSAGES_UPSERT: ["message.received", "message.reaction"],
  SEND_MESSAGE: ["message.sent"],
  MESSAGES_UPDATE: ["message.delivered", "message.read", "message.failed", "poll.vote"],
  MESSAGES_EDITED: ["message.edited"],
  MESSAGES_DELETE: ["message.deleted"],
  CONNECTION_UPDATE: ["session.status"],
  QRCODE_UPDATED: ["session.qr"],
  GROUPS_UPSERT: ["group.updated"],
  GROUP_UPDATE: ["group.updated"],
  GROUPS_UPDATE: ["group.updated"],
  GROUP_PARTICIPANTS_UPDATE: ["group.updated"],
  CALL: ["call.received", "call.ended"],
};

async function asked(url, path, headers) {
  const answer = await fetch(url.replace(/\/+$/, "") + path, { headers, signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${(await answer.text()).slice(0, 200)}`);
  return answer.json();
}

function webhookOf(table, { url, events, headers }, left) {
  const unknown = events.filter((event) => !table[event]?.length);
  if (unknown.length > 0) left.push(`events that Wharf does not have, of ${url}: ${unknown.join(", ")}`);
  return { url, headers, events: [...new Set(events.flatMap((event) => table[event] ?? []))] };
}

const way = (protocol, host, name, password) => `${protocol}://${name ? `${encodeURIComponent(name)}:${encodeURIComponent(password ?? "")}@` : ""}${host}`;

export async function fromWaha(url, key) {
  const sessions = await asked(url, "/api/sessions?all=true", { "X-Api-Key": key });
  return sessions.map(({ name, config }) => {
    const { webhooks = [], proxy, metadata } = config ?? {};
    const left = [];
    if (metadata && Object.keys(metadata).length > 0) left.push("metadata: keep it by the session's id");
    if (webhooks?.some(({ hmac }) => hmac)) left.push("hmac: deliveries are signed by another scheme (Standard Webhooks)");
    return {
      name,
      proxy: proxy ? way("http", proxy.server, proxy.username, proxy.password) : undefined,
      webhooks: (webhooks ?? []).map(({ url, events, customHeaders }) => webhookOf(WAHA, { url, events, headers: Object.fromEntries((customHeaders ?? []).map(({ name, value }) => [name, value])) }, left)),
      left,
    };
  });
}

export async function fromEvolution(url, key) {
  const headers = { apikey: key };
  const instances = await asked(url, "/instance/fetchInstances", headers);
  return Promise.all(
    instances.map(async ({ name, Proxy: proxy, Setting: setting }) => {
      const webhook = await asked(url, `/webhook/find/${encodeURIComponent(name)}`, headers);
      const left = Object.entries(setting ?? {})
        .filter(([, value]) => value === true)
        .map(([key]) => `setting ${key}`);
      if (webhook?.webhookBase64) left.push("files in deliveries: they are fetched by GET /v1/media/{mediaId}");
      return {
        name,
        proxy: proxy?.enabled ? way(proxy.protocol || "http", `${proxy.host}:${proxy.port}`, proxy.username, proxy.password) : undefined,
        webhooks: webhook?.enabled ? [webhookOf(EVOLUTION, { url: webhook.url, events: webhook.events ?? [], headers: webhook.headers ?? {} }, left)] : [],
        left,
      };
    }),
  );
}
