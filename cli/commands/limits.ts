import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import {
  bridgeCommand,
  bridgeOptions,
  commandGroup,
  confirmationOptions,
  organizationOption,
  positiveNumber,
  withConfirmation,
} from '../command.ts';

const showOptions = z.object({ ...bridgeOptions, organization: organizationOption });
export type ShowOptions = z.infer<typeof showOptions>;
const changeOptions = z.object({ ...confirmationOptions, organization: organizationOption });
export type ChangeOptions = z.infer<typeof changeOptions>;
const rateExpected = 'a number from 0.1 to 1000';
const setOptions = z.extend(changeOptions, {
  callsPerSecond: positiveNumber.check(z.minimum(0.1, rateExpected), z.maximum(1000, rateExpected)),
});

const withOrganization = (command: Command, fallback: string): Command =>
  command.option('--organization <uuid>', `the organization; ${fallback}`);

const required = 'required if more than one organization has conversations';

const showCommand = () =>
  withOrganization(
    bridgeCommand('show', {
      description: 'Shows the rate limit and the circuit breaker of each organization.',
      examples: ['limits show', 'limits show --stage production --json'],
    }),
    'default: all',
  ).action(
    withBridge(showOptions, async (options) => {
      const { showRateLimits } = await import('../limits/limits.ts');
      await showRateLimits(options);
    }),
  );

const changeCommand = (name: 'pause' | 'resume', description: string, examples: readonly string[]) =>
  withOrganization(withConfirmation(bridgeCommand(name, { description, examples })), required).action(
    withBridge(changeOptions, async (options) => {
      const { changeRateLimit } = await import('../limits/limits.ts');
      await changeRateLimit(options, { do: name });
    }),
  );

const setCommand = () =>
  withOrganization(
    withConfirmation(
      bridgeCommand('set', {
        description: 'Sets how many calls to LiveChat an organization may make per second.',
        examples: ['limits set --calls-per-second 5', 'limits set --calls-per-second 20 --stage production'],
      }),
    ),
    required,
  )
    .requiredOption('--calls-per-second <number>', 'from 0.1 to 1000')
    .action(
      withBridge(setOptions, async (options) => {
        const { changeRateLimit } = await import('../limits/limits.ts');
        await changeRateLimit(options, { do: 'set', callsPerSecond: options.callsPerSecond });
      }),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Shows and changes the rate limits for calls to LiveChat.',
    examples: ['limits show', 'limits pause --yes', 'limits resume', 'limits set --calls-per-second 5'],
  };
  const pause = changeCommand('pause', 'Stops calls: requests wait until you resume, or until they expire.', [
    'limits pause',
    'limits pause --yes --stage production --json',
  ]);
  const resume = changeCommand('resume', 'Allows calls again, and closes the circuit breaker.', [
    'limits resume',
    'limits resume --stage production --json',
  ]);
  program.addCommand(commandGroup('limits', described, [showCommand(), pause, resume, setCommand()]));
};
