// The door: a name and a password, or a key that stays in this page's memory.
import { useState } from "preact/hooks";
import icon from "../design/icon.svg";
import { sandboxed, signIn, signInWith } from "../api/client";
import { Button } from "../components/Button";
import { Field, typed } from "../components/Field";
import { Problem } from "../components/Problem";

export function SignIn() {
  const [by, setBy] = useState<"login" | "key">("login");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const enter = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await (by === "login" ? signIn(name, password) : signInWith(key));
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  return (
    <main class="door">
      <form class="door-card" onSubmit={enter}>
        <div class="door-brand">
          <img src={icon} alt="" width="44" height="44" />
          <div>
            <h1>Wharf</h1>
            <p class="soft">{sandboxed ? "A gateway on the pretend WhatsApp" : "Your WhatsApp gateway"}</p>
          </div>
        </div>
        {by === "login" ? (
          <>
            <Field label="Name">
              <input name="name" autocomplete="username" autocapitalize="none" required value={name} onInput={typed(setName)} />
            </Field>
            <Field label="Password">
              <input name="password" type="password" autocomplete="current-password" required value={password} onInput={typed(setPassword)} />
            </Field>
          </>
        ) : (
          <Field label="API key" hint="It stays in this page's memory and is gone when you close or reload it.">
            <input name="key" type="password" autocomplete="off" spellcheck={false} required value={key} onInput={typed(setKey)} />
          </Field>
        )}
        <Problem of={problem} />
        <Button kind="main" size="large" wide type="submit" busy={busy}>
          Sign in
        </Button>
        <Button kind="plain" wide onPress={() => (setProblem(null), setBy(by === "login" ? "key" : "login"))}>
          {by === "login" ? "Use a key instead" : "Use a name and a password instead"}
        </Button>
        {sandboxed && <p class="faint">The sandbox printed a link that signs in by itself, and a demo key, in its terminal.</p>}
      </form>
    </main>
  );
}
