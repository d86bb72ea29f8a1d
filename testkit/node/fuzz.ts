/** `npm run fuzz`: runs the properties of the tests below `fuzz/`, `absence/` and `retention/` for as long as one likes. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write(
    "Usage: npm run fuzz -- [--minutes N] [--seed N]   minutes for each property\n",
  );
  process.exit(2);
}
const { status } = spawnSync(
  "vitest",
  [
    "run",
    "--project",
    "workerd",
    "--project",
    "node",
    "test/worker/fuzz",
    "test/worker/absence",
    "test/worker/catalog/retention",
    "test/client/fuzz",
  ],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      FUZZ_SECONDS: String(Math.ceil(minutes * 60)),
      ...(values.seed === undefined ? {} : { FUZZ_SEED: values.seed }),
    },
  },
);
process.exit(status ?? 1);
