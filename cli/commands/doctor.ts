import { address, bridgeCommand, option, uuid, wholeNumber } from '../command.ts';

export const doctor = bridgeCommand('doctor', {
  description: 'Checks every part of a bridge and shows how to fix each problem.',
  examples: [
    'doctor',
    'doctor --stage production',
    'doctor --stage production --webhooks-per-second 1000 --sends-per-second 200',
  ],
})
  .addOption(option('--organization <uuid>', 'check only this organization (default: all with conversations)', uuid))
  .addOption(
    option('--url <address>', "the webhook address registered at LiveChat (default: the stage's own)", address),
  )
  .addOption(
    option(
      '--webhooks-per-second <number>',
      'expected webhooks per second: shows which quota or setting they reach first',
      wholeNumber(0),
    ),
  )
  .addOption(option('--sends-per-second <number>', 'expected sends per second: the same', wholeNumber(0)))
  .addHelpText(
    'after',
    `
Checks the settings, the secret, LiveChat's credentials and their scopes, the API version, the registered webhooks, the
webhook endpoint, the last webhook of each kind, tables, queues, the bus and its rules, the state machine, the account's
limit of concurrent executions, the bucket, rate limits, dead letters, and up to when LiveChat and the bridge were
reconciled. With --webhooks-per-second or --sends-per-second, it also reads the account's quotas. It makes six LiveChat
calls per secret, which change nothing. The exit code is 1 if there is a fault; a warning does not affect it.`,
  );
export type DoctorOptions = ReturnType<typeof doctor.opts>;

doctor.action(async (options) => (await import('../doctor/doctor.ts')).runDoctor(options));
