/** Of the gateway and of the `nargate` command, which are released together; package.json says the same. */
export const VERSION = "0.1.0";
