import type { Compose, CreateConnect, TitlePart } from './channel/channel.ts';
import type { ChannelDoctor } from './channel/finding.ts';
import type { Loaders } from './channel/ports.ts';
import type { ChannelSpec } from './channel/spec.ts';
import type { ListReconcilable, ReconciliationChannel } from './reconciliation/source.ts';
import type { CreateRoutingChannel } from './routing/channel.ts';

/**
 * The list of channels. Each channel has one entry in `channels`: the stacks and the local engine derive its function, its
 * route and its rules from this entry. It also has one loader for each port that it implements. docs/how-to/add-a-channel.md
 * explains the ports.
 */

/** The channels by carrier, the name in events and send requests. A carrier consists of lower-case letters and digits. */
export const channels = {
  livechat: {
    name: 'LiveChat',
    webhook: { function: 'webhook', handler: 'functions/webhook.handler', path: '/livechat/webhook' },
    supports: ['routing', 'reconciliation', 'files'],
    organizationIds: '????????-????-????-????-????????????',
    hasCaseInsensitiveIds: true,
    callsPerSecond: 10,
    settings: ['LIVECHAT_API_BASE_URL', 'LIVECHAT_API_VERSION'],
  },
} as const satisfies Readonly<Record<string, ChannelSpec>>;

// The bundler makes these imports static, so a function's bundle contains only the ports that the function loads.

/** Converts the messages of a send request. */
export const composers: Loaders<Compose<unknown>> = {
  livechat: () => import('./livechat/compose.ts').then(({ compose }) => compose),
};

/** Return the first words of a part, for lists. */
export const partTitles: Loaders<TitlePart> = {
  livechat: () => import('./livechat/part-title.ts').then(({ partTitle }) => partTitle),
};

export const senders: Loaders<CreateConnect> = {
  livechat: () => import('./livechat/sender.ts').then(({ liveChatSender }) => liveChatSender),
};

export const routers: Loaders<() => CreateRoutingChannel> = {
  livechat: () => import('./livechat/carrier.ts').then(({ liveChatRouting }) => liveChatRouting),
};

export const reconcilers: Loaders<() => ReconciliationChannel> = {
  livechat: () => import('./livechat/reconcile.ts').then(({ liveChatReconciliation }) => liveChatReconciliation),
};

/**
 * List the organizations that can be reconciled. Separate from the reconcilers, because the schedule does not call the channel.
 */
export const reconcilableOrganizations: Loaders<ListReconcilable> = {
  livechat: () =>
    import('./livechat/organizations.ts').then(({ reconcilableOrganizations }) => reconcilableOrganizations),
};

/** The hosts of the files in its messages. */
export const fileHosts: Loaders<readonly string[]> = {
  livechat: () => import('./livechat/conventions.ts').then(({ liveChatFileHosts }) => liveChatFileHosts),
};

/** The checks of `livechat doctor`. */
export const channelDoctors: Loaders<() => ChannelDoctor> = {
  livechat: () => import('./livechat/doctor.ts').then(({ liveChatDoctor }) => liveChatDoctor),
};
