// Carries WhatsApp's question to WhatsApp's page, where the owner signs, and the answer to the gateway. Requests to the gateway are made
// here and not on that page: its rules (CSP) forbid them there, and so it never sees the key. Nothing is stored.

const PAGE = "https://web.whatsapp.com/*";
const PAUSE_MS = 1000;
const at = (id) => document.getElementById(id);
const tell = (text) => { at("told").textContent = text; };

async function api(method, path, body) {
  const answer = await fetch(`${at("gateway").value.replace(/\/+$/, "")}/v1/sessions/${at("session").value}${path}`, {
    method,
    headers: { authorization: `Bearer ${at("key").value}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
    credentials: "omit",
  });
  const read = await answer.json();
  if (!read.success) throw new Error(read.error?.details?.reason ?? read.error?.message ?? `the gateway answers ${answer.status}`);
  return read.data;
}

// Runs on WhatsApp's page. A browser signs only for a page that has the focus, so the owner clicks there.
function sign(options) {
  return new Promise((resolve) => {
    const box = document.createElement("dialog");
    const button = document.createElement("button");
    box.append("Sign with the passkey of this WhatsApp account, for the Wharf session you entered. ", button);
    button.textContent = "Sign";
    const end = (result) => { box.close(); box.remove(); resolve(result); };
    box.addEventListener("cancel", () => end({ error: "not signed" }));
    button.addEventListener("click", async () => {
      try {
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
        end({ signed: (await navigator.credentials.get({ publicKey })).toJSON() });
      } catch (error) {
        end({ error: String(error) });
      }
    });
    document.body.append(box);
    box.showModal();
  });
}

async function signOnPage(options) {
  const [tab] = await chrome.tabs.query({ url: PAGE });
  if (!tab) throw new Error("open https://web.whatsapp.com in another tab first");
  await chrome.tabs.update(tab.id, { active: true });
  const [{ result }] = await chrome.scripting.executeScript({ target: { tabId: tab.id }, world: "MAIN", func: sign, args: [options] });
  const own = await chrome.tabs.getCurrent();
  await chrome.tabs.update(own.id, { active: true });
  if (!result?.signed) throw new Error(result?.error ?? "the page was left");
  return result.signed;
}

async function untilCode() {
  for (;;) {
    const asked = await api("GET", "/passkey");
    if (asked.code) return asked.code;
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
}

at("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const origin = `${new URL(at("gateway").value).origin}/*`;
    if (!(await chrome.permissions.request({ origins: [origin] }))) throw new Error("without leave to talk to the gateway nothing can be done");
    const asked = await api("GET", "/passkey");
    if (asked.publicKey) {
      await api("POST", "/passkey", await signOnPage(asked.publicKey));
    }
    tell("Signed. The phone has to answer …");
    at("ours").textContent = await untilCode();
    at("confirm").hidden = false;
    tell("");
  } catch (error) {
    tell(error.message);
  }
});

at("confirm").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await api("POST", "/passkey/confirm", { code: at("code").value });
    tell("The phone links the session. You can close this page and remove the extension.");
  } catch (error) {
    tell(error.message);
  }
});
