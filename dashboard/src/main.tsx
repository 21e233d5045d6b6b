import "./design/tokens.css";
import "./design/base.css";
import "./design/components.css";
import "./design/pages.css";
import "./theme";
import { render } from "preact";
import { App } from "./app";

render(<App />, document.getElementById("app")!);
