import type { OxlintConfig, OxlintOverride } from "oxlint";

/** What the files of one folder may import. A new arrow is a decision, so it is a change here. */
interface Arrow {
  /** Globs of the files that the rule is for; a later rule replaces an earlier one. */
  readonly files: readonly string[];
  /** Where relative imports may lead: folders and files, as they appear behind the last `../`. */
  readonly may: string;
  /** The folder's own folders and files, which those beside them may import. */
  readonly own?: string;
  /** Packages. */
  readonly packages?: string;
  readonly because: string;
}

const PURE = "api http settings nix result.ts";
const PORTS = "bucket/bucket.ts edge/edge.ts";
const WORKER_BASE = "cache-error.ts clock.ts log.ts";

const ARROWS: readonly Arrow[] = [
  // What every program shares: pure, and the same in workerd and in Node.
  { files: ["src/result.ts"], may: "", because: "result.ts imports nothing." },
  { files: ["src/nix/**"], may: "result.ts", because: "src/nix is the protocol alone: pure." },
  {
    files: ["src/api/**"],
    may: "nix result.ts",
    packages: "valibot",
    because: "src/api is the contract alone: it imports only the protocol.",
  },
  {
    files: ["src/http/**"],
    may: "nix result.ts",
    because: "src/http is pure: it imports only the protocol.",
  },
  { files: ["src/prices/**"], may: "", because: "src/prices is pure numbers." },
  {
    files: ["src/settings/**"],
    may: "api http nix result.ts",
    own: "oidc *.ts",
    because: "src/settings is pure: it turns texts into values.",
  },
  {
    files: ["src/checks/**"],
    may: "api nix result.ts",
    packages: "node:*",
    because: "The worker, the command and the tools share src/checks.",
  },

  // The worker, inside out.
  { files: ["src/worker/{clock,log}.ts"], may: "", because: "Everything imports this file." },
  {
    files: ["src/worker/cache-error.ts"],
    may: "api",
    because: "Everything imports this file; it knows only the table of failures.",
  },
  {
    files: ["src/worker/failure-response.ts"],
    may: "api http",
    because: "It turns a failure into an answer, and knows nothing else.",
  },
  {
    files: ["src/worker/access/**"],
    may: "api settings nix result.ts cache-error.ts",
    because: "src/worker/access decides who may do what; it asks neither bucket nor edge.",
  },
  {
    files: ["src/worker/access/oidc/**"],
    may: "api settings http result.ts cache-error.ts clock.ts",
    own: "authenticate.ts",
    packages: "jose",
    because: "Only src/worker/access/oidc imports jose.",
  },
  {
    files: ["src/worker/caches/**"],
    may: `${PURE} edge/edge-key.ts`,
    because: "A cache scope is data, with the edge keys that follow from it.",
  },
  {
    files: ["src/worker/bucket/**"],
    may: `${PURE} ${WORKER_BASE} checks`,
    packages: "aws4fetch node:crypto",
    because: "src/worker/bucket imports only pure modules, and alone imports aws4fetch.",
  },
  {
    files: ["src/worker/absence/**"],
    may: `${PURE} ${WORKER_BASE} bucket/bucket.ts bucket/nargate-path.ts`,
    packages: "node:crypto valibot",
    because: "src/worker/absence depends on the bucket alone (law 6).",
  },
  {
    files: ["src/worker/pins/**"],
    may: `${PURE} ${WORKER_BASE} bucket/bucket.ts bucket/nargate-path.ts`,
    because: "src/worker/pins depends on the bucket alone, which is the truth about pins.",
  },
  {
    files: ["src/worker/edge/**"],
    may: `${PURE} ${WORKER_BASE} bucket/bucket.ts`,
    packages: "node:crypto",
    because: "src/worker/edge knows the bucket by its port alone.",
  },
  {
    files: ["src/worker/serve/**"],
    may: `${PURE} ${WORKER_BASE} bucket/bucket.ts`,
    because: "Public reads depend on the edge and the bucket alone (law 6).",
  },
  {
    files: ["src/worker/catalog/**"],
    may: `${PURE} ${WORKER_BASE} bucket/bucket.ts bucket/incoming-path.ts bucket/nargate-path.ts caches`,
    own: "*.ts",
    packages: "node:crypto",
    because:
      "src/worker/catalog knows the bucket by its port alone, and is the one user of its database.",
  },
  {
    files: ["src/worker/ingest/**"],
    may: `${PURE} ${WORKER_BASE} ${PORTS} catalog/catalog.ts catalog/retention/retention-rules.ts bucket/incoming-path.ts bucket/nargate-path.ts absence caches checks`,
    own: "*.ts",
    packages: "node:crypto node:zlib",
    because: "src/worker/ingest knows bucket and edge by their ports alone.",
  },
  {
    files: ["src/worker/{app,gateway}.ts", "src/worker/routes/**"],
    may: `${PURE} ${WORKER_BASE} ${PORTS} failure-response.ts gateway.ts catalog/catalog.ts catalog/retention/retention-rules.ts absence access caches checks ingest pins serve`,
    own: "*.ts",
    packages: "hono hono/hono-base hono/html hono/router/trie-router node:crypto valibot",
    because: "Routes reach bucket and edge through their ports; no protocol imports another.",
  },
  {
    files: ["src/worker/routes/nix/{read-object,cache-info}.ts"],
    may: `http nix result.ts ${WORKER_BASE} api bucket/bucket.ts edge/edge.ts serve`,
    own: "admit.ts exchange.ts",
    because: "Public reads depend on the edge and the bucket alone (law 6).",
  },
  {
    files: ["src/worker/{index,create-gateway}.ts"],
    may: PURE,
    packages: "cloudflare:workers",
    because: "The worker imports nothing that runs in Node.",
  },

  // What runs in Node.
  {
    files: ["src/client/**"],
    may: `${PURE} prices`,
    own: "audit bucket gateway local-nix push progress prove sign use *.ts",
    packages: "node:* log-update valibot",
    because: "src/client is a library: it knows neither the command nor the worker.",
  },
  {
    files: ["src/client/bucket/**"],
    may: "http settings result.ts",
    own: "gateway *.ts",
    packages: "aws4fetch",
    because: "src/client/bucket reads a bucket, and alone of the client imports aws4fetch.",
  },
  {
    files: ["src/cli/**"],
    may: `${PURE} prices checks client`,
    own: "audit catalog commands closure doctor *.ts",
    packages: "node:* commander",
    because: "The command imports the client and what is pure.",
  },
  {
    files: ["src/action/**"],
    may: "api http nix result.ts client",
    packages: "node:* @actions/core",
    because: "The action is another way to run the client: it does not import the command.",
  },
  {
    files: ["tools/**"],
    may: "src/api src/checks src/client src/http src/settings src/prices src/nix src/result.ts",
    own: "b2-server canary deployment is-port-free.ts run-command.ts",
    packages:
      "node:* @clack/prompts @decimalturn/toml-patch aws4fetch esbuild miniflare valibot wrangler",
    because: "A tool imports neither the worker nor the command.",
  },
  {
    files: ["tools/b2-server/**"],
    may: "src/result.ts",
    own: "http operations signature store xml *.ts",
    packages: "node:*",
    because: "The b2-server checks our signatures, so it shares no code with what makes them.",
  },
  {
    files: ["bench/**"],
    may: "src/nix src/result.ts tools/b2-server testkit/nix testkit/node",
    own: "benchmarks bucket load measure report subjects *.ts",
    packages: "node:* cloudflare:workers aws4fetch esbuild miniflare workerd",
    because: "The benchmark runs the worker as it is deployed, and imports nothing of it.",
  },
];

/** Returns patterns that match every import but the allowed ones, each as the text behind `from`. */
function refused({ may, own = "", packages = "" }: Arrow): string[] {
  return [
    "**",
    "!./**",
    ...words(may).map((name) => `!**/${below(name)}`),
    ...words(own).map((name) => `!../${below(name)}`),
    ...words(packages).flatMap((name) => [`!${name}`, ...(name === "node:*" ? ["!node:*/*"] : [])]),
  ];
}

/** A name that does not end in `.ts` is a folder. */
function below(name: string): string {
  return name.endsWith(".ts") ? name : `${name}/**`;
}

function words(text: string): readonly string[] {
  return text.split(" ").filter((word) => word !== "");
}

const ARROW_OVERRIDES = ARROWS.map((arrow): OxlintOverride => ({
  files: [...arrow.files],
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ group: refused(arrow), message: arrow.because }] },
    ],
  },
}));

export default {
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    eqeqeq: "error",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "max-lines": ["error", { max: 300, skipBlankLines: false, skipComments: false }],
    "no-console": "error",
    "no-restricted-globals": [
      "error",
      {
        name: "caches",
        message: "Only src/worker/create-gateway.ts hands the platform's cache to src/worker/edge.",
      },
    ],
    "typescript/no-explicit-any": "error",
    "vitest/expect-expect": ["error", { assertFunctionNames: ["expect", "expect*"] }],
    "vitest/valid-expect": ["error", { maxArgs: 2 }],
  },
  overrides: [
    ...ARROW_OVERRIDES,
    {
      files: ["src/worker/{index,create-gateway}.ts", "bench/workerd/**"],
      rules: { "no-restricted-globals": "off", "import/no-default-export": "off" },
    },
    { files: ["*.config.ts"], rules: { "import/no-default-export": "off" } },
  ],
  ignorePatterns: ["node_modules", "/action/**", ".nargate", ".wrangler"],
} satisfies OxlintConfig;
