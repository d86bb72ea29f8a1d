import { describe, expect, it } from "vitest";
import { warnIfUnpublished } from "../../../src/cli/audit/signer-checks.ts";
import { generateSecretKey, parseSecretKey, publicKeyOf } from "../../../src/nix/signature.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const [KEY, SAME_NAME, OTHER] = [
  valueOf(parseSecretKey(await generateSecretKey("team-1"))),
  valueOf(parseSecretKey(await generateSecretKey("team-1"))),
  valueOf(parseSecretKey(await generateSecretKey("old-1"))),
];

describe("warnIfUnpublished", () => {
  it.each([
    { what: "the key", published: [OTHER, KEY], says: /^$/ },
    {
      what: "no key of the name",
      published: [OTHER],
      says: /^nargate: warning: the cache does not publish the key team-1\. .* Add it to PUBLIC_KEYS of the gateway\n$/,
    },
    {
      what: "another key of the name",
      published: [OTHER, SAME_NAME],
      says: /^nargate: warning: the cache publishes another key of the name team-1: clients use only one key of a name, so they will not accept these signatures\n$/,
    },
  ])("says what is wrong if the cache publishes $what", ({ published, says }) => {
    let said = "";
    const rules = { storeDir: "/nix/store", keys: published.map(publicKeyOf) };
    warnIfUnpublished(
      KEY,
      rules,
      createTestContext({ stderr: { write: (text) => (said += text) } }),
    );
    expect(said).toMatch(says);
  });
});
