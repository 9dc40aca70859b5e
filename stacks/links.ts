import type { ResourceVariable } from '../core/platform/configuration.ts';
import { bus } from './bus.ts';
import { deadLetters } from './queues.ts';
import { anyUuid, secretArns, secretPrefix } from './secrets.ts';
import { arn, componentName, named } from './stage.ts';
import { control, conversations, media, messages } from './storage.ts';
import { bucket, stateMachines, tables, variables } from './topology.ts';
import { type Resource, type Use, type UseName, uses } from './uses.ts';

type Text = $util.Input<string>;

interface Place {
  /** The environment variable that holds `value`. */
  readonly variable?: ResourceVariable;
  readonly value?: Text;
  readonly arns: readonly Text[];
}

/** A fixed name: functions must know of the send machine, which in turn cannot be made before one of them. */
const machine = named('send');
const large = $interpolate`${media.arn}/${bucket.eventsPrefix}*`;

const places: Readonly<Record<Resource, Place>> = {
  bus: { variable: variables.bus, value: bus.name, arns: [bus.arn] },
  secrets: { variable: variables.secretPrefix, value: secretPrefix, arns: secretArns },
  conversations: { variable: tables.conversations.variable, value: conversations.name, arns: [conversations.arn] },
  messages: { variable: tables.messages.variable, value: messages.name, arns: [messages.arn] },
  control: { variable: tables.control.variable, value: control.name, arns: [control.arn] },
  bucket: { variable: bucket.variable, value: media.name, arns: [media.arn] },
  // Files lie under their organization's id, and nothing else does.
  media: { variable: bucket.variable, value: media.name, arns: [$interpolate`${media.arn}/${anyUuid}/*`] },
  'large events': { variable: bucket.variable, value: media.name, arns: [large] },
  'dead letters': { variable: variables.deadLetterQueue, value: deadLetters.url, arns: [deadLetters.arn] },
  'send machine': {
    variable: stateMachines.send.variable,
    value: arn('states', `stateMachine:${machine}`),
    arns: [arn('states', `stateMachine:${machine}`)],
  },
  executions: { arns: [arn('states', `execution:${machine}:*`)] },
};

/**
 * What a function is linked to by one of its uses: the name in its environment, and the exact permission. SST's own links
 * would allow every action of the service.
 */
function link(name: UseName): sst.Linkable<Readonly<Record<string, Text>>> {
  const { of, actions, named }: Use = uses[name];
  const { variable, value, arns } = places[of];
  const told = variable !== undefined && value !== undefined && named === undefined;
  return new sst.Linkable(componentName(name), {
    properties: told ? { [variable]: value } : {},
    include: [
      ...(told ? [sst.env({ [variable]: value })] : []),
      ...(actions.length > 0 ? [sst.aws.permission({ actions: [...actions], resources: [...arns] })] : []),
    ],
  });
}

const made = new Map<UseName, ReturnType<typeof link>>();

export function linksOf(names: readonly UseName[]): ReturnType<typeof link>[] {
  return names.map((name) => {
    const existing = made.get(name) ?? link(name);
    made.set(name, existing);
    return existing;
  });
}

/** Every name by its variable: what the command line needs to work with this stage. */
export const environment: Readonly<Record<string, Text>> = Object.fromEntries(
  Object.values(places).flatMap(({ variable, value }) => (variable && value ? [[variable, value]] : [])),
);
