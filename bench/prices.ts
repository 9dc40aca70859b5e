/**
 * US dollars, us-east-1, on-demand, as AWS lists them: an HTTP API request, a custom event, a Lambda request and its
 * GB-second on arm64, a DynamoDB write and read unit, a state transition of a Standard workflow. Items are taken as up to
 * 1 KB written and 4 KB read; each index that a write touches is another write unit.
 */
export const price = {
  request: 1e-6,
  event: 1e-6,
  invocation: 0.2e-6,
  gigabyteSecond: 13.3334e-6,
  write: 0.625e-6,
  read: 0.125e-6,
  transition: 25e-6,
  /** LiveChat's: 0.27 a thousand. It does not bill those that it answers with HTTP 500. */
  liveChatCall: 0.27e-3,
};

/** What a run is billed for: mostly waiting for a few AWS calls of a few ms each. */
export const billedSeconds = 0.02;
/** What waiting for LiveChat's answer adds: our guess. */
export const liveChatSeconds = 0.15;
/** Of conversations and messages, which have indexes. */
export const writeUnitsOfState = 2;
