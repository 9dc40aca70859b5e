import * as z from 'zod/mini';
import { bridgeCommand, commandGroup, confirmedCommand, option, positiveNumber, uuid } from '../command.ts';

const show = bridgeCommand('show', {
  description: 'Shows the rate limit and the circuit breaker of each organization.',
  examples: ['limits show', 'limits show --stage production --json'],
}).addOption(option('--organization <uuid>', 'the organization; default: all', uuid));
export type ShowOptions = ReturnType<typeof show.opts>;

const organization = option(
  '--organization <uuid>',
  'the organization; required if more than one organization has conversations',
  uuid,
);

const pause = confirmedCommand('pause', {
  description: 'Stops calls: requests wait until you resume, or until they expire.',
  examples: ['limits pause', 'limits pause --yes --stage production --json'],
}).addOption(organization);
export type ChangeOptions = ReturnType<typeof pause.opts>;

const resume = confirmedCommand('resume', {
  description: 'Allows calls again, and closes the circuit breaker.',
  examples: ['limits resume', 'limits resume --stage production --json'],
}).addOption(organization);

const rateExpected = 'a number from 0.1 to 1000';
const set = confirmedCommand('set', {
  description: 'Sets how many calls to its channel an organization may make per second.',
  examples: ['limits set --calls-per-second 5', 'limits set --calls-per-second 20 --stage production'],
})
  .addOption(organization)
  .addOption(
    option(
      '--calls-per-second <number>',
      'from 0.1 to 1000',
      positiveNumber.check(z.minimum(0.1, rateExpected), z.maximum(1000, rateExpected)),
    ).makeOptionMandatory(),
  );

const work = () => import('../limits.ts');
show.action(async (options) => (await work()).showRateLimits(options));
pause.action(async (options) => (await work()).changeRateLimit(options, { do: 'pause' }));
resume.action(async (options) => (await work()).changeRateLimit(options, { do: 'resume' }));
set.action(async (options) => {
  await (await work()).changeRateLimit(options, { do: 'set', callsPerSecond: options.callsPerSecond });
});

export const limits = commandGroup('limits', {
  description: 'Shows and changes the rate limits for calls to the channels.',
  examples: ['limits show', 'limits pause --yes', 'limits resume', 'limits set --calls-per-second 5'],
  commands: [show, pause, resume, set],
});
