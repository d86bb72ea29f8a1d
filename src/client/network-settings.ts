import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import tls from "node:tls";

type Environment = Readonly<Record<string, string | undefined>>;

/** Proxies, as curl and so Nix read them. Node obeys them only when asked to, and only at its start. */
const PROXY_VARIABLES = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
/** Set for the second process, which then obeys the proxies (Node 22.21 and 24). */
const USE_PROXY = "NODE_USE_ENV_PROXY";

/**
 * Makes this process reach the network as Nix does: it trusts the certificates in
 * NIX_SSL_CERT_FILE or SSL_CERT_FILE besides Node's own, and goes through the proxies
 * that the environment names. For a proxy it starts the same program once more, and
 * resolves with its exit code when it has ended. Otherwise resolves with undefined,
 * and this process goes on.
 */
export async function adoptNetworkSettings(env: Environment): Promise<number | undefined> {
  const problem = trustCertificates(env);
  if (problem !== undefined) process.stderr.write(`nargate: warning: ${problem}\n`);
  const isProxied = PROXY_VARIABLES.some((name) => (env[name] ?? "") !== "");
  if (!isProxied || env[USE_PROXY] !== undefined) return undefined;
  return await runAgain({ ...env, [USE_PROXY]: "1" });
}

/** Adds the certificates that Nix trusts. Returns the problem if the file cannot be used. */
function trustCertificates(env: Environment): string | undefined {
  const name = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"].find((one) => (env[one] ?? "") !== "");
  const file = name === undefined ? "" : (env[name] ?? "");
  if (file === "") return undefined;
  // Since Node 22.19. An older one reads NODE_EXTRA_CA_CERTS at its start.
  if (typeof tls.setDefaultCACertificates !== "function") {
    return env["NODE_EXTRA_CA_CERTS"] === undefined
      ? `this Node does not know the certificates in ${name}. Set NODE_EXTRA_CA_CERTS to the same file, or use Node 22.19 or later`
      : undefined;
  }
  try {
    const added = readFileSync(file, "utf8").match(PEM) ?? [];
    const known = tls.getCACertificates("default");
    tls.setDefaultCACertificates([...new Set([...known, ...added])]);
    return undefined;
  } catch (error) {
    return `cannot use the certificates in ${name} (${file}): ${(error as NodeJS.ErrnoException).code ?? "malformed"}`;
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Runs this program again with another environment, and passes on the signals that it gets. */
async function runAgain(env: Environment): Promise<number> {
  // Node says that proxies are experimental. The user has asked for them.
  const args = ["--disable-warning=UNDICI-EHPA", ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { env: { ...env }, stdio: "inherit" });
  const signals = ["SIGINT", "SIGTERM"] as const;
  const forward = (signal: NodeJS.Signals) => {
    // A terminal sends Ctrl-C to both processes.
    if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  return await new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`nargate: cannot start ${process.execPath}: ${error.message}\n`);
      resolve(1);
    });
    child.once("close", (code, killedBy) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]));
    });
  });
}
