// Baileys, unchanged, as a device that is told line by line on standard input what to do. Answers and events are lines of JSON on standard output.
//   node baileys.mjs NETWORK FOLDER
// NETWORK is the pretend network's address; FOLDER keeps the device between two runs. requests.md in this folder lists what is asked and told.

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import makeWASocket, { DisconnectReason, downloadMediaMessage, useMultiFileAuthState } from 'baileys'
import pino from 'pino'

// Libraries below it write to the console, which is not for them here.
console.log = console.info = console.debug = console.error
const [network, folder] = process.argv.slice(2)
const logger = pino({ level: process.env.STRANGERS_LOG ?? 'silent' }, pino.destination(2))
const tell = line => process.stdout.write(JSON.stringify(line) + '\n')
const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')
const bare = jid => jid?.replace(/:\d+@/, '@')

let socket
let ending = false
const names = new Map() // of the phone's contacts, by their addresses
const seen = new Map() // what came and went, by id: answers and reactions are about one of these

async function connect() {
  const { state, saveCreds } = await useMultiFileAuthState(folder)
  ending = false
  const mine = makeWASocket({ waWebSocketUrl: network, auth: state, logger, getMessage: async key => seen.get(key.id)?.message })
  socket = mine
  mine.ev.on('creds.update', saveCreds)
  mine.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) tell({ event: 'qr', qr })
    if (connection === 'open') tell({ event: 'open', me: bare(mine.user.id), lid: bare(mine.user.lid) })
    if (connection !== 'close' || mine !== socket) return
    const code = lastDisconnect?.error?.output?.statusCode
    if (code === DisconnectReason.loggedOut) tell({ event: 'logged out' })
    else if (ending) tell({ event: 'closed' })
    else connect()
  })
  mine.ev.on('contacts.upsert', contacts => contacts.forEach(contact => contact.name && names.set(contact.id, contact.name)))
  mine.ev.on('messages.upsert', async ({ messages }) => {
    for (const message of messages) if (message.message) await told(message).catch(error => tell({ event: 'fault', error: String(error) }))
  })
}

async function told(message) {
  seen.set(message.key.id, message)
  const inside = message.message.ephemeralMessage?.message ?? message.message
  const from = bare(message.key.participant ?? message.key.remoteJid)
  const line = { event: 'message', id: message.key.id, chat: message.key.remoteJid, from, fromMe: Boolean(message.key.fromMe) }
  const protocol = inside.protocolMessage ?? inside.editedMessage?.message?.protocolMessage
  if (inside.reactionMessage) Object.assign(line, { kind: 'reaction', target: inside.reactionMessage.key.id, text: inside.reactionMessage.text })
  else if (protocol?.type === 14) Object.assign(line, { kind: 'edit', target: protocol.key.id, text: words(protocol.editedMessage) })
  else if (protocol && !protocol.type) Object.assign(line, { kind: 'delete', target: protocol.key.id })
  else if (inside.imageMessage) {
    const bytes = await downloadMediaMessage(message, 'buffer', {}, { logger, reuploadRequest: socket.updateMediaMessage })
    Object.assign(line, { kind: 'image', text: inside.imageMessage.caption, sha256: sha256(bytes) })
  } else Object.assign(line, { kind: 'text', text: words(inside), quoted: inside.extendedTextMessage?.contextInfo?.stanzaId })
  if (line.kind !== 'text' || line.text != null) tell(line)
}

const words = message => message?.conversation || message?.extendedTextMessage?.text

const acts = {
  async start() { await connect() },
  async code({ phone }) { return { code: await socket.requestPairingCode(phone) } },
  async text({ to, text, reply }) { return sent(await socket.sendMessage(to, { text }, reply ? { quoted: seen.get(reply) } : {})) },
  async image({ to, data, caption }) { return sent(await socket.sendMessage(to, { image: Buffer.from(data, 'base64'), caption })) },
  async react({ to, id, text }) { return sent(await socket.sendMessage(to, { react: { text, key: seen.get(id).key } })) },
  async edit({ to, id, text }) { return sent(await socket.sendMessage(to, { text, edit: seen.get(id).key })) },
  async delete({ to, id }) { return sent(await socket.sendMessage(to, { delete: { ...seen.get(id).key } })) },
  async contact({ id }) { return { name: names.get(id) ?? '' } },
  async disconnect() { ending = true; socket.end(undefined) },
  async logout() { await socket.logout() },
}

function sent(message) {
  seen.set(message.key.id, message)
  return { id: message.key.id }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { request, act, ...wanted } = JSON.parse(line)
  acts[act](wanted).then(
    given => tell({ answer: request, ...given }),
    error => tell({ answer: request, error: String(error?.stack ?? error) }),
  )
}
process.exit(0)
