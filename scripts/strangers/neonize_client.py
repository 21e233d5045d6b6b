"""neonize (whatsmeow under Python), unchanged, as a device that is told line by line on standard input what to do.

    neonize_client.py NETWORK ROOT FOLDER

NETWORK is the pretend network's address, ROOT the public key of its certificates in hexadecimal, FOLDER keeps the device between two
runs. The library knows one address and one root, and has no setting for either. So it is given a proxy that leads that one address to the
network, and the root is put over its own in memory, before anything is connected. requests.md in this folder lists what is asked and told.
"""

import base64, hashlib, json, os, socket, sys, threading

OWN_ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
NETWORK, ROOT, FOLDER = sys.argv[1:4]
os.chdir(FOLDER)

import ctypes, logging  # noqa: E402

from neonize.client import NewClient  # noqa: E402
from neonize import events  # noqa: E402
from neonize._binder import ProxySettings  # noqa: E402
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message, ProtocolMessage  # noqa: E402
from neonize.utils import log  # noqa: E402
from neonize.utils.jid import JIDToNonAD, Jid2String, build_jid  # noqa: E402

log.setLevel(os.environ.get("STRANGERS_LOG", "CRITICAL"))
logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
OUT, HOLD = os.fdopen(os.dup(1), "w"), threading.Lock()
# The library prints to standard output, which is not for people here.
os.dup2(2, 1)


def tell(**line):
    with HOLD:
        print(json.dumps(line), file=OUT, flush=True)


def trust(root):
    """Puts the root over the library's own, wherever it stands in memory that can be written."""
    placed = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "r+b", buffering=0) as memory:
        for line in maps:
            place, rights, _, _, _, *name = line.split()
            if "neonize-" not in "".join(name) or not rights.startswith("rw"):
                continue
            begin, end = (int(part, 16) for part in place.split("-"))
            memory.seek(begin)
            at = memory.read(end - begin).find(OWN_ROOT)
            if at >= 0:
                memory.seek(begin + at)
                memory.write(root)
                placed += 1
    if placed != 1:
        raise SystemExit(f"the library's own root was found {placed} times in memory, not once")


def proxy(network):
    """Leads every host but loopback's own to the network; gives its address."""
    host, port = network.split("//")[1].split("/")[0].rsplit(":", 1)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return client.close()
            head += piece
        wanted, wanted_port = head.split(b" ")[1].decode().rsplit(":", 1)
        here = wanted in ("127.0.0.1", "localhost")
        there = socket.create_connection((wanted, int(wanted_port)) if here else (host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=pump, args=(there, client), daemon=True).start()
        pump(client, there)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def jid(text):
    return build_jid(*text.split("@"))


class Stranger:
    def __init__(self):
        self.seen = {}
        self.client = None

    def start(self):
        client = self.client = NewClient(os.path.join(FOLDER, "device.sqlite"), uuid="stranger")
        client.event.qr(lambda _, code: tell(event="qr", qr=code.decode()))

        @client.event(events.ConnectedEv)
        def connected(client, _):
            me = client.get_me()
            tell(event="open", me=Jid2String(JIDToNonAD(me.JID)), lid=Jid2String(JIDToNonAD(me.LID)))

        @client.event(events.LoggedOutEv)
        def logged_out(_, __):
            tell(event="logged out")

        @client.event(events.MessageEv)
        def message(client, came):
            try:
                self.told(client, came)
            except Exception as error:
                tell(event="fault", error=repr(error))

        @client.event(events.UndecryptableMessageEv)
        def undecryptable(_, came):
            tell(event="undecryptable", id=came.Info.ID)

        def run():
            client.connect(ProxySettings(PROXY))
            tell(event="closed")
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def told(self, client, came):
        source, inside = came.Info.MessageSource, came.Message
        self.seen[came.Info.ID] = came
        line = dict(event="message", id=came.Info.ID, chat=Jid2String(JIDToNonAD(source.Chat)), **{"from": Jid2String(JIDToNonAD(source.Sender))}, fromMe=source.IsFromMe)
        words = lambda said: said.conversation or said.extendedTextMessage.text
        protocol = inside.protocolMessage if inside.HasField("protocolMessage") else inside.editedMessage.message.protocolMessage
        if inside.HasField("reactionMessage"):
            line.update(kind="reaction", target=inside.reactionMessage.key.ID, text=inside.reactionMessage.text)
        elif protocol.HasField("key") and protocol.type == ProtocolMessage.MESSAGE_EDIT:
            line.update(kind="edit", target=protocol.key.ID, text=words(protocol.editedMessage))
        elif came.IsEdit:
            line.update(kind="edit", target=came.Info.ID, text=words(inside))
        elif protocol.HasField("key") and protocol.type == ProtocolMessage.REVOKE:
            line.update(kind="delete", target=protocol.key.ID)
        elif inside.HasField("imageMessage"):
            content = client.download_any(inside)
            line.update(kind="image", text=inside.imageMessage.caption, sha256=hashlib.sha256(content).hexdigest())
        elif words(inside):
            line.update(kind="text", text=words(inside), quoted=inside.extendedTextMessage.contextInfo.stanzaID or None)
        else:
            return
        tell(**line)

    def code(self, phone):
        return {"code": self.client.PairPhone(phone, True)}

    def text(self, to, text, reply=None):
        if reply:
            return self.sent(self.client.reply_message(text, self.seen[reply], to=jid(to)))
        return self.sent(self.client.send_message(jid(to), Message(conversation=text)))

    def image(self, to, data, caption):
        return self.sent(self.client.send_image(jid(to), base64.b64decode(data), caption=caption))

    def sent(self, answer):
        return {"id": answer.ID}

    def sender(self, id):
        return self.seen[id].Info.MessageSource.Sender if id in self.seen else self.client.get_me().JID

    def react(self, to, id, text):
        return self.sent(self.client.send_message(jid(to), self.client.build_reaction(jid(to), JIDToNonAD(self.sender(id)), id, text)))

    def edit(self, to, id, text):
        return self.sent(self.client.edit_message(jid(to), id, Message(conversation=text)))

    def delete(self, to, id):
        return self.sent(self.client.revoke_message(jid(to), JIDToNonAD(self.sender(id)), id))

    def contact(self, id):
        return {"name": self.client.contact.get_contact(jid(id)).FullName}

    def disconnect(self):
        self.client.stop()

    def logout(self):
        self.client.logout()


PROXY = proxy(NETWORK)
trust(bytes.fromhex(ROOT))
stranger = Stranger()


def act(line):
    wanted = json.loads(line)
    request, name = wanted.pop("request"), wanted.pop("act")
    try:
        tell(answer=request, **(getattr(stranger, name)(**wanted) or {}))
    except Exception as error:
        tell(answer=request, error=repr(error))


for line in sys.stdin:
    threading.Thread(target=act, args=(line,), daemon=True).start()
os._exit(0)
