// The frame around every page: who is here, where one can go, and whether what is shown is live.
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import icon from "./design/icon.svg";
import { known, may, me, resume, sandboxed, signOut } from "./api/client";
import { live } from "./api/events";
import { Avatar } from "./components/Avatar";
import { Badge } from "./components/Badge";
import { Button } from "./components/Button";
import { Bones } from "./components/Card";
import { Icon, type IconName } from "./components/Icon";
import { Problem, Toasts } from "./components/Problem";
import { pageName, route, settle, to } from "./routes";
import { isDark, switchTheme } from "./theme";
import { SignIn } from "./pages/signin";

interface Place {
  name: string;
  title: string;
  icon: IconName;
  group: "" | "Build" | "Run";
  load: () => Promise<{ default: ComponentType }>;
  shown?: () => boolean;
}

const PLACES: Place[] = [
  { name: "start", title: "Start", icon: "start", group: "", load: () => import("./pages/start"), shown: () => sandboxed && hasAccount() },
  { name: "sessions", title: "Sessions", icon: "sessions", group: "", load: () => import("./pages/sessions"), shown: () => may("sessions:read") && hasAccount() },
  { name: "inbox", title: "Inbox", icon: "inbox", group: "", load: () => import("./pages/inbox"), shown: () => may("messages:read") && hasAccount() },
  { name: "phones", title: "Pretend phones", icon: "phones", group: "", load: () => import("./pages/phones"), shown: () => sandboxed },
  { name: "keys", title: "API keys", icon: "keys", group: "Build", load: () => import("./pages/keys"), shown: () => may("keys:manage") && hasAccount() },
  { name: "webhooks", title: "Webhooks", icon: "webhooks", group: "Build", load: () => import("./pages/webhooks"), shown: () => may("webhooks:manage") && hasAccount() },
  { name: "events", title: "Events", icon: "events", group: "Build", load: () => import("./pages/events"), shown: () => may("events:read") && hasAccount() },
  { name: "docs", title: "API reference", icon: "book", group: "Build", load: () => import("./pages/docs") },
  { name: "usage", title: "Plan and use", icon: "usage", group: "Run", load: () => import("./pages/usage"), shown: () => may("account:read") && hasAccount() },
  { name: "people", title: "People", icon: "people", group: "Run", load: () => import("./pages/people"), shown: () => me.value?.by === "login" },
  { name: "operator", title: "Operator", icon: "operator", group: "Run", load: () => import("./pages/operator"), shown: () => me.value?.operator === true },
];

const hasAccount = () => me.value?.accountId != null;

export function App() {
  const { parts } = route.value;
  const token = parts[0] === "enter" ? (parts[1] ?? null) : null;
  const begun = useRef(false);
  // Asked once when the page opens, and again for a link that is followed while it is open.
  useEffect(() => {
    if (!token && begun.current) return;
    begun.current = true;
    // The token is used up: neither history nor a copied address shall carry it.
    if (token) settle();
    void resume(token).catch(() => undefined);
  }, [token]);
  if (!known.value) return <Bones />;
  if (!me.value) {
    return (
      <>
        <SignIn />
        <Toasts />
      </>
    );
  }
  return <Frame />;
}

function Frame() {
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const places = PLACES.filter((place) => place.shown?.() ?? true);
  const place = places.find((place) => place.name === pageName.value) ?? places[0]!;
  useEffect(() => {
    document.title = `${place.title} · Wharf`;
    setOpen(false);
  }, [place.name]);
  const groups = ["", "Build", "Run"] as const;
  return (
    <div class="frame">
      <button class="skip button" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <header class="menu-bar">
        <Button icon="menu" label="Menu" kind="plain" expanded={open} onPress={() => setOpen(true)} />
        <Brand />
      </header>
      {open && <button class="veil" aria-label="Close the menu" onClick={() => setOpen(false)} />}
      <aside class={`side ${open ? "open" : ""}`} aria-label="Menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
        <Brand />
        <nav aria-label="Pages">
          {groups.map((group) => {
            const own = places.filter((place) => place.group === group);
            return (
              own.length > 0 && (
                <>
                  {group && <h2>{group}</h2>}
                  <ul>
                    {own.map((link) => (
                      <li key={link.name}>
                        <a href={to(link.name)} aria-current={link.name === place.name ? "page" : undefined} onClick={() => setOpen(false)}>
                          <Icon name={link.icon} />
                          {link.title}
                        </a>
                      </li>
                    ))}
                  </ul>
                </>
              )
            );
          })}
        </nav>
        <div class="side-end">
          <div class="who">
            <Avatar name={me.value!.name} small />
            <div class="grow">
              <p>{me.value!.name}</p>
              <p class="faint">{[me.value!.account, me.value!.role.replace("_", " ")].filter(Boolean).join(" · ")}</p>
            </div>
            <Live />
          </div>
          <div class="side-tools">
            <Button icon={isDark() ? "sun" : "moon"} label={isDark() ? "Light theme" : "Dark theme"} kind="plain" onPress={switchTheme} />
            <Button icon="out" kind="plain" onPress={signOut}>
              Sign out
            </Button>
          </div>
        </div>
      </aside>
      <main ref={main} tabIndex={-1} aria-label={place.title}>
        <Show key={place.name} place={place} />
      </main>
      <Toasts />
    </div>
  );
}

function Brand() {
  return (
    <a class="brand" href="#/">
      <img src={icon} alt="" width="30" height="30" />
      Wharf
      {sandboxed && <Badge tone="note">sandbox</Badge>}
    </a>
  );
}

function Live() {
  if (live.value === "off") return null;
  const lost = live.value === "lost";
  return (
    <Badge tone={live.value === "live" ? "good" : "wait"} dot beating={lost}>
      {live.value === "live" ? "live" : lost ? "away" : "joining"}
    </Badge>
  );
}

/** A page is fetched when somebody goes there, once. */
function Show({ place }: { place: Place }) {
  const [page, setPage] = useState<{ of: ComponentType } | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    place.load().then((module) => setPage({ of: module.default }), setProblem);
  }, []);
  if (problem) return <Problem of={problem} />;
  if (!page) return <Bones />;
  return <page.of />;
}
