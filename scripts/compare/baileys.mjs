// Baileys behind an HTTP server, with as little around it as can be: a text is answered once the server has acknowledged it.
//   node baileys.mjs NETWORK FOLDER
// NETWORK is the pretend network's address; FOLDER keeps the device. Lines of JSON on standard output: `url` and `version` at the start, then
// `qr` for the phone, and `open` once texts are taken. A request is `POST / {"to": NUMBER, "text": WORDS}`.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import makeWASocket, { DisconnectReason, generateMessageIDV2, makeCacheableSignalKeyStore, useMultiFileAuthState } from 'baileys'
import pino from 'pino'

// Libraries below it write to the console, which is not for them here.
console.log = console.info = console.debug = console.error
const [network, folder] = process.argv.slice(2)
const logger = pino({ level: 'silent' })
const tell = line => process.stdout.write(JSON.stringify(line) + '\n')

let socket
const waiting = new Map() // texts that are not acknowledged yet, by their ids

async function connect() {
  const { state, saveCreds } = await useMultiFileAuthState(folder)
  // As its own example has it: what was written is remembered.
  const auth = { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys, logger) }
  const mine = makeWASocket({ waWebSocketUrl: network, auth, logger })
  socket = mine
  mine.ev.on('creds.update', saveCreds)
  mine.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) tell({ qr })
    if (connection === 'open') tell({ open: true })
    if (connection !== 'close' || mine !== socket) return
    if (lastDisconnect?.error?.output?.statusCode === DisconnectReason.loggedOut) process.exit(1)
    connect()
  })
  mine.ws.on('CB:ack,class:message', ({ attrs }) => {
    const text = waiting.get(attrs.id)
    waiting.delete(attrs.id)
    if (attrs.error) text?.reject(new Error(`refused: ${attrs.error}`))
    else text?.resolve()
  })
}

async function send({ to, text }) {
  const id = generateMessageIDV2(socket.user?.id)
  const acknowledged = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  await Promise.all([acknowledged, socket.sendMessage(`${to}@s.whatsapp.net`, { text }, { messageId: id })])
  return { messageId: id, to, text, status: 'sent' }
}

async function body(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks))
}

const server = createServer(async (request, response) => {
  let status = 201
  let answer
  try {
    answer = { data: await send(await body(request)) }
  } catch (error) {
    status = 502
    answer = { error: String(error) }
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
})
server.listen(0, '127.0.0.1', () => {
  const { version } = createRequire(import.meta.url)('baileys/package.json')
  tell({ url: `http://127.0.0.1:${server.address().port}/`, version: `baileys ${version}, Node.js ${process.versions.node}` })
  connect()
})
// Who started it has ended.
process.stdin.on('end', () => process.exit(0)).resume()
