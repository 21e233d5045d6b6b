import "./design/tokens.css";
import "./design/base.css";
import "./design/components.css";
import "./design/pages.css";
import "./design/reference.css";
import "./theme";
import { render } from "preact";
import { open } from "./api/client";
import { App } from "./app";
import { OpenReference } from "./open";

render(open ? <OpenReference /> : <App />, document.getElementById("app")!);
