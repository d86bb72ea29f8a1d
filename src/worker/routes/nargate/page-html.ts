import { createHash } from "node:crypto";
import { html as markup, raw } from "hono/html";
import { nixConfLines, quoteForNix } from "../../../nix/conf-lines.ts";

/** What the page tells of the cache. */
export interface PageFacts {
  /** The address of the cache, without a final slash. */
  readonly url: string;
  readonly isPrivate: boolean;
  /** In Nix's format. */
  readonly publicKeys: readonly string[];
  readonly version: string;
  /** Where the source and the manual are. */
  readonly source: string;
}

const STYLE = `
:root { color-scheme: light dark; --line: #d5dbe3; --soft: #f3f6fa; --ink: #17202c; --dim: #5a6675; --accent: #2f6db5; --page: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --line: #2f3947; --soft: #1a212b; --ink: #e6ebf2; --dim: #98a4b3; --accent: #7db3ee; --page: #11161d; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 3rem 1.25rem 2rem; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .5rem; }
p { margin: .6rem 0; }
.lead { color: var(--dim); }
.box { position: relative; }
pre { margin: 0; padding: .9rem 1rem; background: var(--soft); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; font: 13.5px/1.5 ui-monospace, monospace; }
p:has(+ .box) { margin-right: 5.5rem; }
button { position: absolute; bottom: calc(100% + .4rem); right: 0; padding: .2rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--page); color: var(--dim); font: inherit; font-size: .8rem; cursor: pointer; }
button:hover, button:focus-visible { color: var(--accent); border-color: var(--accent); }
.note { border-left: 3px solid var(--accent); padding-left: .8rem; }
a { color: var(--accent); }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--dim); font-size: .9rem; }
`;

// Without scripts the text can still be selected; the buttons are then not there.
const SCRIPT = `
for (const box of document.querySelectorAll(".box")) {
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  box.append(button);
}
`;

const ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2f6db5"/><path d="M9 23V9l14 14V9" fill="none" stroke="#fff" stroke-width="3.5" stroke-linejoin="round" stroke-linecap="round"/></svg>',
  );

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing on the page comes from elsewhere, and nothing but this style and this script runs. */
const createPolicy = () =>
  `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

let policy: string | undefined;

/** Returns the Content-Security-Policy of the page. */
export function pagePolicy(): string {
  policy ??= createPolicy();
  return policy;
}

/** Returns the page for browsers: the same facts as the text, with lines to copy. */
export function formatPage(facts: PageFacts): string {
  const { url, isPrivate, publicKeys, version, source } = facts;
  const host = url.replace(/^https?:\/\//, "");
  return String(
    markup`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${host}: a Nix binary cache</title>
          <link rel="icon" href="${raw(ICON)}" />
          <style>${raw(STYLE)}</style>
        </head>
        <body>
          <main>
            <h1>${host}</h1>
            <p class="lead">
              A Nix binary cache, served by Nargate from Cloudflare's edge.
              ${isPrivate ? "It is private: reading it needs a token." : "Anyone may read it."}
            </p>
            ${publicKeys.length === 0 ? markup`<p class="note">The operator has not said which public key signs this cache. Nix accepts only paths that another trusted key signed.</p>` : ""}
            ${section("nix.conf", "For all users of a machine, in /etc/nix/nix.conf:", nixConfLines(facts).join("\n"))}
            ${isPrivate ? section("netrc", "In the netrc file of the Nix daemon, /etc/nix/netrc, which only root may read:", `machine ${host.replace(/:\d+$/, "")} login nargate password <token>`) : ""}
            ${section("NixOS", "In configuration.nix:", nixos(facts))}
            ${section("GitHub Actions", "The job pulls from this cache, and pushes what it builds if it may:", `- uses: nargate/nargate@v${version}\n  with:\n    url: ${url}`)}
            <footer>
              Nargate ${version} · <a href="${source}" rel="noreferrer">Source and manual</a>
            </footer>
          </main>
          <script>${raw(SCRIPT)}</script>
        </body>
      </html>`,
  );
}

function section(title: string, text: string, code: string) {
  return markup`<h2>${title}</h2>
    <p>${text}</p>
    <div class="box"><pre>${code}</pre></div>`;
}

function nixos({ url, publicKeys }: PageFacts): string {
  const keys = publicKeys.map((key) => `\n    ${quoteForNix(key)}`).join("");
  return [
    "nix.settings = {",
    `  extra-substituters = [ ${quoteForNix(url)} ];`,
    ...(publicKeys.length === 0 ? [] : [`  extra-trusted-public-keys = [${keys}\n  ];`]),
    "  fallback = true;",
    "};",
  ].join("\n");
}
