import type { StorePathHash } from "../../../src/nix/store-path.ts";
import { beforeEach, describe, expect, it } from "vitest";
import type {
  Intentions,
  IntentVerdict,
} from "../../../src/worker/catalog/retention/retention-port.ts";
import {
  createRemovalGuard,
  NO_GUARD,
  type RemovalGuard,
} from "../../../src/worker/ingest/removal-guard.ts";
import { publishNarinfo } from "../../../src/worker/ingest/publish-narinfo.ts";
import { NARINFO_NONE_SELF_REFERENCE } from "../../nix/data/narinfos.ts";
import { keyOfNarinfo, narPathOf, putNarOf } from "../../../testkit/narinfo.ts";
import { createPush } from "../../../testkit/workerd/push.ts";
import { schedulePath } from "../../../testkit/workerd/retention-schedule.ts";

const glibc = schedulePath("g");
const hello = schedulePath("h", [glibc]);
const MINUTE = 60_000;

let now: number;
let slept: number[];
let asked: Intentions[];
let answer: (intentions: Intentions) => readonly IntentVerdict[];
let busyNars: readonly string[];
let guard: RemovalGuard;

beforeEach(() => {
  now = 1_000_000;
  slept = [];
  asked = [];
  busyNars = [];
  answer = ({ narinfos }) => narinfos.map(() => ({ kind: "ok" }));
  guard = createRemovalGuard({
    clock: {
      now: () => new Date(now),
      async sleep(milliseconds) {
        slept.push(milliseconds);
        now += milliseconds;
      },
    },
    catalog: {
      async intend(intentions) {
        asked.push(intentions);
        return { status: "answered", verdicts: answer(intentions) };
      },
      lease: async () => ({ busyNars, lostPaths: [] }),
    },
  });
});

const ONE = NARINFO_NONE_SELF_REFERENCE;

describe("publishNarinfo beside a guard", () => {
  it("looks at the NAR again, and not before, if its PUT would leave late", async () => {
    const push = createPush();
    putNarOf(push.bucket, ONE);
    let held = false;
    let holds = 0;
    const late: RemovalGuard = {
      ...NO_GUARD,
      isHeld: () => held,
      async hold() {
        push.bucket.calls.push("hold");
        // The first decision takes too long.
        held = ++holds > 1;
      },
    };
    const key = keyOfNarinfo(ONE);
    expect(await publishNarinfo(key, ONE, { ...push, guard: late })).toBe("published");
    const calls = push.bucket.calls.filter((call) => !call.includes("nix-cache-info"));
    const look = [`head ${narPathOf(ONE)}`, `read ${key.path}`];
    expect(calls.slice(0, 7).map((call) => (look.includes(call) ? "look" : call))).toEqual([
      "hold",
      "look",
      "look",
      "hold",
      "look",
      "look",
      `put ${key.path}`,
    ]);
  });

  it("writes nothing that is not held", async () => {
    const push = createPush();
    putNarOf(push.bucket, ONE);
    const loose: RemovalGuard = { ...NO_GUARD, isHeld: () => false };
    await expect(
      publishNarinfo(keyOfNarinfo(ONE), ONE, { ...push, guard: loose }),
    ).rejects.toMatchObject({
      code: "bucket-unavailable",
    });
    expect(push.bucket.textOf(keyOfNarinfo(ONE).path)).toBeUndefined();
  });
});

const codeOf = async (work: Promise<void>) =>
  await work.then(
    () => "resolved",
    (error: unknown) => (error as { code: string }).code,
  );

describe("createRemovalGuard", () => {
  it("announces a narinfo once in five minutes, with all that it names", async () => {
    await guard.hold(hello.narinfo);
    await guard.hold(hello.narinfo);
    expect(asked.map(({ narinfos }) => narinfos)).toEqual([
      [{ path: `${hello.hash}-thing`, nar: hello.nar, references: [`${glibc.hash}-thing`] }],
    ]);
    now += 5 * MINUTE - 1;
    expect(guard.isHeld(hello.hash)).toBe(true);
    now += 1;
    expect(guard.isHeld(hello.hash)).toBe(false);
    await guard.hold(hello.narinfo);
    expect(asked).toHaveLength(2);
  });

  it("takes the answer of a batch, and renews each narinfo by itself", async () => {
    guard.announce([glibc.narinfo, hello.narinfo]);
    await guard.hold(glibc.narinfo);
    await guard.hold(hello.narinfo);
    expect(asked.map(({ narinfos }) => narinfos.length)).toEqual([2]);
    now += 6 * MINUTE;
    await guard.hold(hello.narinfo);
    expect(asked.map(({ narinfos }) => narinfos.length)).toEqual([2, 1]);
  });

  it("splits a batch that is too large for one call, and names the others of the batch", () => {
    const many = Array.from({ length: 4000 }, (_, at) => ({
      ...glibc,
      hash: String(at).padStart(32, "0") as StorePathHash,
    }));
    const large = Array.from("012345678", (digit) => schedulePath(digit, many).narinfo);
    guard.announce(large);
    expect(asked.length).toBeGreaterThan(1);
    for (const call of asked) {
      expect(JSON.stringify(call).length).toBeLessThan(1_100_000);
      expect(call.alongside).toHaveLength(9);
    }
  });

  it("tells only of those upstream references that a narinfo names", async () => {
    guard.announce([hello.narinfo], [glibc.hash, schedulePath("z").hash]);
    await guard.hold(hello.narinfo);
    expect(asked[0]?.upstream).toEqual([glibc.hash]);
  });

  it("asks again while the path is being deleted, for a minute", async () => {
    answer = () => [{ kind: "busy" }];
    expect(await codeOf(guard.hold(hello.narinfo))).toBe("path-being-removed");
    expect(slept).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
    busyNars = [hello.nar];
    slept = [];
    expect(await codeOf(guard.lease(hello.nar))).toBe("path-being-removed");
    expect(slept).toHaveLength(6);
  });

  it("keeps no answer that failed", async () => {
    answer = () => {
      throw new Error("the object is away");
    };
    guard.announce([hello.narinfo]);
    expect(await codeOf(guard.hold(hello.narinfo))).toBe("push-needs-catalog");
    answer = () => [{ kind: "ok" }];
    expect(await codeOf(guard.hold(hello.narinfo))).toBe("resolved");
  });
});
