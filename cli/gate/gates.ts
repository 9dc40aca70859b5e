import { command, type GateCommand, type GateView, viewOf } from '../../core/outbound/gate/hand.ts';
import { gateStore } from '../../core/outbound/gate/store.ts';
import { wholeNumber } from '../../core/platform/configuration.ts';
import { chooseOrganization, chooseOrganizations } from '../bridge.ts';
import { colours, print, printJson, printTable } from '../output.ts';

interface Chosen {
  readonly organization?: string | undefined;
  readonly json: boolean;
}

const store = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));

const breakerOf = ({ breaker, reason, openUntil }: GateView): string => {
  if (breaker === 'closed') return colours.green('closed');
  return colours.red(`open: ${reason || 'failures'}, next trial ${openUntil?.slice(0, 19)}`);
};

const printGates = (gates: readonly GateView[]): void => {
  if (gates.length === 0) {
    print('No organization has a conversation yet.');
    return;
  }
  printTable(
    ['organization', 'sending', 'breaker', 'calls a second', 'when all is well', 'backlog', 'last half minute'],
    gates.map((gate) => [
      gate.organizationId,
      gate.paused ? colours.yellow('paused') : 'on',
      breakerOf(gate),
      gate.callsPerSecond,
      gate.baseCallsPerSecond,
      `${gate.backlogSeconds} s`,
      `${gate.calls} calls, ${gate.failures} failed`,
    ]),
  );
};

export const showGates = async ({ organization, json }: Chosen): Promise<void> => {
  const ids = await chooseOrganizations(organization);
  const now = Date.now();
  const gates = await Promise.all(ids.map(async (id) => viewOf(id, await store.read(id), now)));
  if (json) printJson({ ok: true, gates });
  else printGates(gates);
};

export const changeGate = async ({ organization, json }: Chosen, given: GateCommand): Promise<void> => {
  const gate = await command(store, await chooseOrganization(organization), given, Date.now());
  if (json) printJson({ ok: true, gate });
  else printGates([gate]);
};
