/** `npm run cost`: what a month of a team's cache costs, here and elsewhere. */
import { parseArgs } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";
import { FLAT_PLANS } from "../../src/prices/cloudfront-plans.ts";
import { PRICES } from "../../src/prices/price-list.ts";
import { runCommand } from "../run-command.ts";
import { formatBill, formatSummary, toJson } from "./format-bill.ts";
import { formatFlatPlans, formatPrices } from "./format-prices.ts";
import { isProviderName, PROVIDERS } from "./providers.ts";
import { parseUsage, USAGE_FLAGS } from "./usage.ts";

function formatFlags(): string {
  return Object.entries(USAGE_FLAGS)
    .map(([name, { what, byDefault, defaultText, isShare }]) => {
      const flag = `--${name} ${isShare ? "SHARE" : "N"}`;
      return `  ${flag.padEnd(22)}${what} [${defaultText ?? Number(byDefault)}]`;
    })
    .join("\n");
}

const USAGE = `Usage: npm run cost -- [--paths N] [--pulls N] …

  Works out the monthly bill of a Nix cache from what a team asks of it.
  Numbers may end in k, M or G; shares are from 0 to 1.

${formatFlags()}

  --bill NAME           shows the items of this bill; may be repeated
  --json                all bills with their items, for a program
  --prices              the prices with their sources, in Markdown

  Bills:
${Object.entries(PROVIDERS)
  .map(([name, { what }]) => `  ${name.padEnd(24)}${what}`)
  .join("\n")}

  How they are counted and what is assumed: docs/cost.md
`;

const USAGE_OPTIONS = Object.fromEntries(
  Object.keys(USAGE_FLAGS).map((name) => [name, { type: "string" as const }]),
);

async function main(): Promise<string> {
  const { values } = parseArgs({
    options: {
      bill: { type: "string", multiple: true, default: [] },
      json: { type: "boolean" },
      prices: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      ...USAGE_OPTIONS,
    },
  });
  if (values.help === true) return USAGE;
  if (values.prices === true) {
    return `${formatPrices(Object.values(PRICES))}\n${formatFlatPlans(FLAT_PLANS)}`;
  }
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries<unknown>(values)) {
    if (typeof value === "string") given[name] = value;
  }
  const usage = parseUsage(given);
  if (!usage.ok) throw new UsageError(usage.error);
  const bills = Object.entries(PROVIDERS).map(
    ([name, { bill }]) => [name, bill(usage.value)] as const,
  );
  if (values.json === true) {
    const entries = bills.map(([name, bill]) => [name, toJson(bill)]);
    const answer = { usage: usage.value, bills: Object.fromEntries(entries) };
    return `${JSON.stringify(answer, undefined, 2)}\n`;
  }
  if (values.bill.length === 0) return formatSummary(bills);
  return values.bill
    .map((name) => {
      if (!isProviderName(name)) {
        throw new UsageError(`${name} is none of ${Object.keys(PROVIDERS).join(", ")}`);
      }
      return formatBill(name, PROVIDERS[name].bill(usage.value));
    })
    .join("\n");
}

runCommand(main);
