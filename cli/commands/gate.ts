import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, bridgeOptions, commandGroup, organizationOption, positiveNumber } from '../command.ts';

const gateOptions = z.object({ ...bridgeOptions, organization: organizationOption });
const paceExpected = 'a number from 0.1 to 1000';
const setOptions = z.extend(gateOptions, {
  callsPerSecond: positiveNumber.check(z.minimum(0.1, paceExpected), z.maximum(1000, paceExpected)),
});

const withOrganization = (command: Command, otherwise: string): Command =>
  command.option('--organization <uuid>', `whose gate; ${otherwise}`);

const theOnly = 'needed where more than one organization has conversations';

const showCommand = () =>
  withOrganization(
    bridgeCommand('show', {
      description: "Shows each organization's pace and breaker for calls of LiveChat.",
      examples: ['gate show', 'gate show --stage production --json'],
    }),
    'without it all of them',
  ).action(
    withBridge(gateOptions, async (given) => {
      const { showGates } = await import('../gate/gates.ts');
      await showGates(given);
    }),
  );

const changeCommand = (name: 'pause' | 'resume', description: string) =>
  withOrganization(
    bridgeCommand(name, { description, examples: [`gate ${name}`, `gate ${name} --stage production --json`] }),
    theOnly,
  ).action(
    withBridge(gateOptions, async (given) => {
      const { changeGate } = await import('../gate/gates.ts');
      await changeGate(given, { do: name });
    }),
  );

const setCommand = () =>
  withOrganization(
    bridgeCommand('set', {
      description: 'Sets how many calls of LiveChat an organization makes a second.',
      examples: ['gate set --calls-per-second 5', 'gate set --calls-per-second 20 --stage production'],
    }),
    theOnly,
  )
    .requiredOption('--calls-per-second <number>', 'from 0.1 to 1000')
    .action(
      withBridge(setOptions, async (given) => {
        const { changeGate } = await import('../gate/gates.ts');
        await changeGate(given, { do: 'set', callsPerSecond: given.callsPerSecond });
      }),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Shows and sets the gate that every call of LiveChat passes.',
    examples: ['gate show', 'gate pause', 'gate resume', 'gate set --calls-per-second 5'],
  };
  const pause = changeCommand('pause', 'Stops sending: requests wait, until they expire or the gate is resumed.');
  const resume = changeCommand(
    'resume',
    'Sends again, after a pause; also closes the breaker, which stops calls while LiveChat fails.',
  );
  program.addCommand(commandGroup('gate', described, [showCommand(), pause, resume, setCommand()]));
};
