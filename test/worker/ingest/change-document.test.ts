import { describe, expect, it } from "vitest";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { changeDocument } from "../../../src/worker/ingest/change-document.ts";
import { createIngestMemory } from "../../../src/worker/ingest/push-context.ts";
import { publishNarinfo } from "../../../src/worker/ingest/publish-narinfo.ts";
import { NARINFO_NONE_SELF_REFERENCE } from "../../nix/data/narinfos.ts";
import { keyOfNarinfo, putNarOf } from "../../../testkit/narinfo.ts";
import { createPush, type TestPush, type TestPushOptions } from "../../../testkit/workerd/push.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const FIRST = NARINFO_NONE_SELF_REFERENCE;
/** Another build of the same path, of the same file. */
const OTHER = FIRST.replace(/^References: .*$/m, "References: ");
const KEY = keyOfNarinfo(FIRST);
const PUT = `put ${KEY.path}`;

function openPush(options: TestPushOptions = {}): TestPush {
  const push = createPush(options);
  putNarOf(push.bucket, FIRST);
  return push;
}

const publish = (text: string, push: TestPush) => publishNarinfo(KEY, text, push);
const unavailable = () => new CacheError("bucket-unavailable", "503");
const signed = (text: string, name: string) => `${text}Sig: ${name}:${btoa("x".repeat(64))}\n`;
const callsTo = (path: string, push: TestPush) =>
  push.bucket.calls.filter((call) => call.endsWith(` ${path}`));
const putsOf = (push: TestPush) => push.bucket.calls.filter((call) => call === PUT).length;

describe("two pushes of one path at one instant, in one isolate", () => {
  it("publish one, and refuse the other with ON_CONFLICT=refuse", async () => {
    const push = openPush({ rules: { onConflict: "refuse" } });
    const both = await Promise.allSettled([
      publish(FIRST, push),
      publish(OTHER, push.again({ onConflict: "refuse" })),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(push.bucket.textOf(KEY.path)).toBe(FIRST);
    expect(putsOf(push)).toBe(1);
  });

  it("lose no signature", async () => {
    const push = openPush();
    const names = ["a-1", "b-1", "c-1"];
    await Promise.all(names.map((name) => publish(signed(FIRST, name), push)));
    for (const name of names) expect(push.bucket.textOf(KEY.path)).toContain(`Sig: ${name}:`);
  });

  it("do not wait for a push that the platform ended", async () => {
    const push = openPush();
    let now = Date.now();
    const clock = { now: () => new Date(now), sleep: async () => void (now += 1_000) };
    push.memory.turns.set(`${push.cache.bucketId} ${KEY.path}`, now);
    expect(await publish(FIRST, { ...push, clock })).toBe("published");
    expect(push.memory.turns.size).toBe(0);
  });
});

const later = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

describe("a push whose decision takes very long", () => {
  it("keeps its turn as long as it says that it still works", async () => {
    const push = openPush();
    let now = Date.now();
    const clock = { now: () => new Date(now), sleep: later };
    const steps: string[] = [];
    const long = changeDocument(KEY, { ...push, clock }, async (stillWorks) => {
      for (let count = 0; count < 3; count++) {
        now += 100_000;
        stillWorks();
        for (let poll = 0; poll < 5; poll++) await later();
        steps.push("works");
      }
      return { outcome: "kept" };
    });
    const other = changeDocument(KEY, { ...push, clock }, async () => {
      steps.push("other");
      return { outcome: "kept" };
    });
    await Promise.all([long, other]);
    expect(steps).toEqual(["works", "works", "works", "other"]);
  });
});

describe("a push that nobody else disturbs", () => {
  it("reads the document once, and then sees by HEAD that its own one stands", async () => {
    const push = openPush();
    expect(await publish(signed(FIRST, "a-1"), push)).toBe("published");
    expect(callsTo(KEY.path, push)).toEqual([`read ${KEY.path}`, PUT, `head ${KEY.path}`]);
    expect(await publish(signed(FIRST, "b-1"), push)).toBe("signed");
    expect(callsTo(KEY.path, push)).toHaveLength(6);
  });

  it("reads the document again where the bucket tells no ETag of it", async () => {
    const push = openPush();
    const { bucket } = push;
    const put: TestPush["bucket"]["put"] = async (...call) => {
      await bucket.put(...call);
      return undefined;
    };
    const blind = { ...push, bucket: { ...bucket, put } };
    expect(await publish(FIRST, blind)).toBe("published");
    expect(callsTo(KEY.path, push)).toEqual([`read ${KEY.path}`, PUT, `read ${KEY.path}`]);
  });
});

describe("two pushes of one path at one instant, in two isolates", () => {
  it("are told apart where the bucket tells no ETag of what it has stored", async () => {
    const push = openPush({ rules: { onConflict: "refuse" } });
    const { bucket } = push;
    const put: TestPush["bucket"]["put"] = async (...call) => {
      await bucket.put(...call);
      if (call[0] === KEY.path) bucket.setText(KEY.path, OTHER);
      return undefined;
    };
    const error = await rejectionOf(publish(FIRST, { ...push, bucket: { ...bucket, put } }));
    expect(error.code).toBe("build-not-reproducible");
  });

  it("are told apart by the last look where both have written", async () => {
    const push = openPush({
      rules: { onConflict: "refuse" },
      // The other isolate decided before this PUT, and its own PUT lands after it.
      after: (call) => {
        if (call === PUT) push.bucket.setText(KEY.path, OTHER);
      },
    });
    const error = await rejectionOf(publish(FIRST, push));
    expect(error.code).toBe("build-not-reproducible");
  });

  it("add the signature again that the other one's PUT has removed", async () => {
    let isOverwritten = false;
    const push = openPush({
      after: (call) => {
        if (call !== PUT || isOverwritten) return;
        isOverwritten = true;
        push.bucket.setText(KEY.path, signed(FIRST, "other-1"));
      },
    });
    expect(await publish(signed(FIRST, "mine-1"), push)).toBe("signed");
    const text = push.bucket.textOf(KEY.path);
    expect(text).toContain("Sig: mine-1:");
    expect(text).toContain("Sig: other-1:");
  });

  it("give up where the document never stays as it was written", async () => {
    const push = openPush({
      after: (call) => {
        if (call === PUT) push.bucket.objects.delete(KEY.path);
      },
    });
    expect((await rejectionOf(publish(FIRST, push))).code).toBe("bucket-unavailable");
    expect(putsOf(push)).toBe(7);
  });
});

describe("a PUT of a document that fails", () => {
  it("is sent again where nothing has changed", async () => {
    let isFailed = false;
    const push = openPush({
      before: (call) => {
        if (call !== PUT || isFailed) return;
        isFailed = true;
        throw unavailable();
      },
    });
    expect(await publish(FIRST, push)).toBe("published");
    expect(push.bucket.textOf(KEY.path)).toBe(FIRST);
  });

  it("is not sent again where another build was published meanwhile", async () => {
    const push = openPush({
      rules: { onConflict: "refuse" },
      before: (call) => {
        if (call !== PUT) return;
        push.bucket.setText(KEY.path, OTHER);
        throw unavailable();
      },
    });
    expect((await rejectionOf(publish(FIRST, push))).code).toBe("build-not-reproducible");
    expect(push.bucket.textOf(KEY.path)).toBe(OTHER);
    expect(putsOf(push)).toBe(1);
  });

  it("is not sent again where it took effect all the same", async () => {
    const push = openPush({
      after: (call) => {
        if (call === PUT) throw unavailable();
      },
    });
    expect(await publish(FIRST, push)).toBe("published");
    expect(putsOf(push)).toBe(1);
  });

  it("fails the push after five tries, and at once if no retry can help", async () => {
    const code = { now: "bucket-unavailable" as "bucket-unavailable" | "misconfigured" };
    const push = openPush({
      before: (call) => {
        if (call === PUT) throw new CacheError(code.now, "refused");
      },
    });
    expect((await rejectionOf(publish(FIRST, push))).code).toBe("bucket-unavailable");
    expect(putsOf(push)).toBe(5);
    code.now = "misconfigured";
    const again = { ...push, memory: createIngestMemory() };
    expect((await rejectionOf(publish(FIRST, again))).code).toBe("misconfigured");
    expect(putsOf(push)).toBe(6);
  });
});
