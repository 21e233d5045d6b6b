// Who may sign in, and the log-ins of whoever sits here.
import { useState } from "preact/hooks";
import { may, me, page, patch, post, put, remove, type Role, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Confirm, Dialog } from "../components/Dialog";
import { Field, typed } from "../components/Field";
import { Form } from "../components/Form";
import { Problem, tell } from "../components/Problem";
import { Table } from "../components/Table";
import { Time } from "../components/Time";

type User = Schemas["User"];
type LoginEntry = Schemas["LoginEntry"];

const ROLES: Record<Role, string> = {
  operator: "everything, and the whole Wharf",
  owner: "everything in the account",
  member: "everything but keys and people",
  read_only: "sees, changes nothing",
};

export default function People() {
  return (
    <div class="page">
      <Head title="People and log-ins">Who may sign in here, and where you are signed in.</Head>
      <Logins />
      <Password />
      {may("users:manage") && me.value?.accountId && <Users path="v1/users" />}
    </div>
  );
}

function Logins() {
  const logins = useLoad((signal) => page<LoginEntry>("v1/logins", {}, signal), []);
  return (
    <Card title="Your log-ins" flush>
      <Problem of={logins.problem} />
      {logins.loading && <Bones />}
      {logins.value && (
        <Table
          caption="Your log-ins"
          rows={logins.value.data}
          id={(login) => login.loginId}
          columns={[
            { name: "Browser", cell: (login) => login.userAgent ?? "unknown" },
            { name: "From", short: "From", kind: "nowrap", cell: (login) => login.address },
            { name: "Last seen", short: "Last seen", kind: "nowrap", cell: (login) => <Time at={login.lastSeenAt} /> },
            { name: "Since", short: "Since", kind: "nowrap", cell: (login) => <Time at={login.createdAt} /> },
            {
              name: "Actions",
              kind: "actions",
              cell: (login) =>
                login.current ? (
                  <Badge tone="good">this one</Badge>
                ) : (
                  <Button size="small" kind="danger" onPress={async () => (await remove(`v1/logins/${login.loginId}`), logins.again())}>
                    End it
                  </Button>
                ),
            },
          ]}
        />
      )}
    </Card>
  );
}

function Password() {
  const [password, setPassword] = useState("");
  const [newPassword, setNew] = useState("");
  const change = async () => {
    await put("v1/login/password", { password, newPassword });
    setPassword("");
    setNew("");
    tell("The password is changed, and your other log-ins have ended");
  };
  return (
    <Card title="Your password">
      <Form word="Change it" onSubmit={change}>
        <input class="away" type="text" autocomplete="username" value={me.value?.name} readOnly tabIndex={-1} aria-label="Name" />
        <div class="filters">
          <Field label="The present one">
            <input type="password" required autocomplete="current-password" value={password} onInput={typed(setPassword)} />
          </Field>
          <Field label="The new one">
            <input type="password" required minLength={12} maxLength={128} autocomplete="new-password" value={newPassword} onInput={typed(setNew)} />
          </Field>
        </div>
        <p class="faint">12 signs at least, and none of the commonest ones. It ends your other log-ins.</p>
      </Form>
    </Card>
  );
}

export function Users({ path, operator }: { path: string; operator?: boolean }) {
  const users = useLoad((signal) => page<User>(path, { limit: 200 }, signal), [path]);
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<User | null>(null);
  const [setting, setSetting] = useState<User | null>(null);
  const roles = (Object.keys(ROLES) as Role[]).filter((role) => operator || role !== "operator");
  return (
    <Card
      title="Users"
      flush
      aside={
        <Button size="small" kind="main" icon="plus" onPress={() => setMaking(true)}>
          New user
        </Button>
      }
    >
      <Problem of={users.problem} />
      {users.loading && <Bones />}
      {users.value && (
        <Table
          caption="Users"
          rows={users.value.data}
          id={(user) => user.userId}
          columns={[
            {
              name: "Name",
              cell: (user) => (
                <>
                  <strong>{user.name}</strong>
                  {operator && (
                    <>
                      <br />
                      <code class="faint">{user.accountId}</code>
                    </>
                  )}
                </>
              ),
            },
            {
              name: "Role",
              short: "Role",
              cell: (user) =>
                user.name === me.value?.name ? (
                  user.role.replace("_", " ")
                ) : (
                  <select class="short" aria-label={`Role of ${user.name}`} value={user.role} onChange={async (event) => (await patch(`${path}/${user.userId}`, { role: event.currentTarget.value }), users.again())}>
                    {roles.map((role) => (
                      <option value={role}>{role.replace("_", " ")}</option>
                    ))}
                  </select>
                ),
            },
            { name: "Signed in", short: "Signed in", kind: "nowrap", cell: (user) => (user.lastLoginAt ? <Time at={user.lastLoginAt} /> : "never") },
            {
              name: "Actions",
              kind: "actions",
              cell: (user) =>
                user.name !== me.value?.name && (
                  <div class="row end">
                    <Button size="small" onPress={() => setSetting(user)}>
                      New password
                    </Button>
                    <Button size="small" kind="danger" onPress={() => setEnding(user)}>
                      Delete
                    </Button>
                  </div>
                ),
            },
          ]}
        />
      )}
      {making && <NewUser path={path} roles={roles} operator={operator} onClose={() => setMaking(false)} onMade={users.again} />}
      {setting && <NewPassword path={`${path}/${setting.userId}`} name={setting.name} onClose={() => setSetting(null)} />}
      {ending && (
        <Confirm title={`Delete ${ending.name}?`} word="Delete" onClose={() => setEnding(null)} onYes={async () => (await remove(`${path}/${ending.userId}`), users.again())}>
          <p>Their log-ins end at once. What they made stays.</p>
        </Confirm>
      )}
    </Card>
  );
}

function NewUser({ path, roles, operator, onClose, onMade }: { path: string; roles: Role[]; operator?: boolean; onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [accountId, setAccount] = useState(me.value?.accountId ?? "");
  const make = async () => {
    await post(path, { name, password, role, ...(operator && accountId && { accountId }) });
    onMade();
    onClose();
  };
  return (
    <Dialog title="New user" onClose={onClose}>
      <Form word="Make the user" onSubmit={make}>
        <Field label="Name" hint="Small letters, digits and . _ - @ +">
          <input name="user-name" required autocomplete="off" autocapitalize="none" value={name} onInput={typed(setName)} />
        </Field>
        <Field label="Password" hint="12 signs at least; they can change it.">
          <input name="user-password" type="password" required minLength={12} autocomplete="new-password" value={password} onInput={typed(setPassword)} />
        </Field>
        <Field label="Role" hint={ROLES[role]}>
          <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {roles.map((one) => (
              <option value={one}>{one.replace("_", " ")}</option>
            ))}
          </select>
        </Field>
        {operator && (
          <Field label="Account">
            <input value={accountId} onInput={typed(setAccount)} />
          </Field>
        )}
      </Form>
    </Dialog>
  );
}

function NewPassword({ path, name, onClose }: { path: string; name: string; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const set = async () => {
    await patch(path, { password });
    tell(`${name} has a new password, and has to sign in anew`);
    onClose();
  };
  return (
    <Dialog title={`New password for ${name}`} onClose={onClose}>
      <Form word="Set it" onSubmit={set}>
        <Field label="Password" hint="12 signs at least. It ends their log-ins.">
          <input type="password" required minLength={12} autocomplete="new-password" value={password} onInput={typed(setPassword)} />
        </Field>
      </Form>
    </Dialog>
  );
}
