import * as list from '../core/channels.ts';

/** The list of channels, extended by a second channel. `use-channels-with-echo.ts` replaces core/channels.ts with it. */
export const { routers, reconcilers, reconcilableOrganizations, fileHosts, channelDoctors } = list;

export const channels = {
  ...list.channels,
  echo: {
    name: 'Echo',
    webhook: { function: 'echo-webhook', handler: 'test/echo/function.handler', path: '/echo/webhook' },
    supports: [],
    organizationIds: '????????-????-????-????-????????????',
    callsPerSecond: 50,
    settings: [],
  },
} as const;

export const composers = {
  ...list.composers,
  echo: () => import('./echo/channel.ts').then(({ composeEcho }) => composeEcho),
};

export const partTitles = {
  ...list.partTitles,
  echo: () => import('./echo/channel.ts').then(({ echoTitle }) => echoTitle),
};

export const senders = {
  ...list.senders,
  echo: () => import('./echo/channel.ts').then(({ connectEcho }) => connectEcho),
};
