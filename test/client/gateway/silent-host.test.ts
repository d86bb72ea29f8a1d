import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { ProcessContext } from "../../../src/client/process-context.ts";
import { GATEWAY_FACTS } from "../../../testkit/node/gateway-facts.ts";
import { createFakeStore } from "../../../testkit/node/fake-store.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";

const URL = "https://cache.example.org";
const PATH = `/nix/store/${"a".repeat(32)}-thing`;

/**
 * Runs a command at a host that answers only `answered`. Returns how it ends, and for
 * how many seconds it waited for answers and between attempts. The clock goes on only
 * while the command waits for the host: files and programs take their real time.
 */
async function waitFor(
  args: readonly string[],
  { env, cwd }: Partial<Pick<ProcessContext, "env" | "cwd">> = {},
  answered: Readonly<Record<string, unknown>> = {},
) {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  const state = { waiting: 0, hasEnded: false };
  let seconds = 0;
  const wait = async <Value>(what: Promise<Value>): Promise<Value> => {
    state.waiting++;
    return await what.finally(() => state.waiting--);
  };
  try {
    const running = runNargate(args, {
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", NARGATE_TOKEN: "t", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      fetch: (input, init) => wait(answerOrHang(String(input), answered, init?.signal)),
      sleep: (milliseconds) => wait(new Promise((resolve) => setTimeout(resolve, milliseconds))),
      random: () => 1,
    }).finally(() => (state.hasEnded = true));
    while (!state.hasEnded) {
      if (state.waiting === 0) {
        await pause(1);
        continue;
      }
      await vi.advanceTimersByTimeAsync(100);
      seconds += 0.1;
    }
    return { ...(await running), seconds };
  } finally {
    vi.useRealTimers();
  }
}

async function answerOrHang(
  url: string,
  answered: Readonly<Record<string, unknown>>,
  signal: AbortSignal | null | undefined,
): Promise<Response> {
  const answer = answered[url.slice(URL.length + 1)];
  if (answer !== undefined) return Response.json(answer);
  return await new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

const SILENT = /^nargate: cannot reach cache\.example\.org: no data for 20 s\n$/;

describe("a host that accepts connections and never answers", () => {
  it.each([
    { what: "push", args: ["push", "--to", URL, PATH] },
    { what: "use", args: ["use", URL] },
    { what: "use --write", args: ["use", URL, "--write", "--file", "/nonexistent/nix.conf"] },
    { what: "ls", args: ["ls", "--to", URL, PATH] },
    { what: "ls --closure --verify", args: ["ls", "--closure", "--verify", "--to", URL, PATH] },
    { what: "info", args: ["info", "--to", URL, PATH] },
  ])("ends $what with one line after a minute", async ({ args }) => {
    const { code, stdout, stderr, seconds } = await waitFor(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(SILENT);
    // Three attempts of 20 s, and two pauses of less than a second.
    expect(seconds).toBeGreaterThan(59);
    expect(seconds).toBeLessThan(65);
  });

  it("lets watch-exec run its command after a minute", async () => {
    const { env, cwd } = await createFakeStore();
    const args = ["watch-exec", "--to", URL, "--", process.execPath, "-e", "process.exit(7)"];
    const { code, stdout, stderr, seconds } = await waitFor(args, { env, cwd });
    expect({ code, stdout }).toEqual({ code: 7, stdout: "" });
    expect(stderr).toBe(
      "nargate: warning: cannot push: cannot reach cache.example.org: no data for 20 s\n",
    );
    expect(seconds).toBeLessThan(65);
  });

  it("ends doctor with a finding", async () => {
    const { code, stdout, seconds } = await waitFor(["doctor", URL]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL +reachable +cannot reach cache\.example\.org: no data for 20 s/);
    expect(stdout).toMatch(/^skipped +other checks/m);
    expect(seconds).toBeLessThan(65);
  });
});

describe("a host that answers the first request and none after it", () => {
  const answered = { "api/v1/cache": GATEWAY_FACTS };

  it.each([
    { what: "push", args: ["push", "--to", URL, PATH] },
    { what: "ls", args: ["ls", "--to", URL, PATH] },
    { what: "info", args: ["info", "--to", URL, PATH] },
  ])("ends $what with one line", async ({ args }) => {
    const { code, stderr, seconds } = await waitFor(args, {}, answered);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nargate: cannot reach cache\.example\.org: no data for \d+ s\n$/);
    expect(seconds).toBeLessThan(600);
  });

  it("ends use --write for a private cache after a minute", async () => {
    const facts = { "api/v1/cache": { ...GATEWAY_FACTS, access: "token" } };
    const args = ["use", URL, "--write", "--file", "/nonexistent/nix.conf"];
    const { code, stderr, seconds } = await waitFor(args, {}, facts);
    expect(code).toBe(1);
    expect(stderr).toMatch(SILENT);
    expect(seconds).toBeLessThan(65);
  });

  it("ends doctor in a few minutes", async () => {
    const site = { "nix-cache-info": "StoreDir: /nix/store", ...answered };
    const { code, stdout, stderr, seconds } = await waitFor(["doctor", URL], {}, site);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/cannot reach cache\.example\.org: no data for 20 s/);
    expect(seconds).toBeLessThan(300);
  });
});
