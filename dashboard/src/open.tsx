// The reference by itself, at `/docs`: nobody has to sign in to read it.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import icon from "./design/icon.svg";
import { me, resume, sandboxed, signOut } from "./api/client";
import { Badge } from "./components/Badge";
import { Button } from "./components/Button";
import { Bones } from "./components/Card";
import { Problem, Toasts } from "./components/Problem";
import { to } from "./routes";
import { isDark, switchTheme } from "./theme";

export function OpenReference() {
  const [page, setPage] = useState<{ of: ComponentType } | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    document.title = "API reference · Wharf";
    // Whoever is signed in to the dashboard in this browser may try things here too.
    void resume(null).catch(() => undefined);
    import("./pages/docs").then((module) => setPage({ of: module.default }), setProblem);
  }, []);
  return (
    <div class="open-reference">
      <header class="open-head">
        <a class="brand" href={to("docs")}>
          <img src={icon} alt="" width="30" height="30" />
          Wharf
          {sandboxed && <Badge tone="note">sandbox</Badge>}
        </a>
        <div class="row">
          {me.value && <span class="faint">as {me.value.name}</span>}
          {me.value?.by === "key" && (
            <Button kind="plain" onPress={signOut}>
              Forget the key
            </Button>
          )}
          <a class="button" href={to("start")}>
            {me.value ? "Dashboard" : "Sign in"}
          </a>
          <Button icon={isDark() ? "sun" : "moon"} label={isDark() ? "Light theme" : "Dark theme"} kind="plain" onPress={switchTheme} />
        </div>
      </header>
      <main>
        <Problem of={problem} />
        {page ? <page.of /> : <Bones />}
      </main>
      <Toasts />
    </div>
  );
}
