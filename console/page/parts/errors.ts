const errorTexts = (channel: string): Readonly<Record<string, string>> => ({
  ChannelServerError: `server error at ${channel}, or the outcome is unknown`,
  ChannelNetworkError: `no response from ${channel}`,
  ChannelClientError: `${channel} rejected the request`,
  ChannelRepairableError: 'the chat state could not be repaired',
  ChannelAuthenticationError: `${channel} rejected the credentials`,
  ChannelRateLimitError: `${channel} rate limit exceeded`,
  RequestExpired: 'the request expired',
  RequestInvalid: 'the request is invalid',
  RequestConflict: 'the requestId was used for a different request',
  DeliveryMissing: 'the message was erased or has expired',
  FileUnavailable: 'the file to send could not be fetched',
  FileRefused: 'the file is not allowed',
  ConfigurationError: 'a setting is missing or malformed',
  StepFailed: `the send step failed before it called ${channel}`,
  'Lambda.TooManyRequestsException': 'the send function was throttled',
  'Lambda.Unknown': 'the send function exited without a response',
  'Runtime.ExitError': 'the send function exited without a response',
  'Sandbox.Timedout': 'the send function timed out',
  'States.Timeout': 'the send function timed out',
});

/** The names of the errors with which an execution can fail. */
export const sendErrors: readonly string[] = [
  'ChannelServerError',
  'ChannelNetworkError',
  'ChannelClientError',
  'ChannelRepairableError',
  'ChannelAuthenticationError',
  'RequestExpired',
  'DeliveryMissing',
  'FileUnavailable',
  'FileRefused',
  'ConfigurationError',
  'StepFailed',
  'States.Timeout',
  'TIMED_OUT',
  'ABORTED',
];

/** Describes the error of an attempt by its name. Lambda errors that are not in the list share one text. */
export function describeError(name: string | undefined, channel: string): string {
  const fallback = name?.startsWith('Lambda.') ? 'Lambda could not invoke the send function' : 'the attempt failed';
  return new Map(Object.entries(errorTexts(channel))).get(name ?? '') ?? fallback;
}
