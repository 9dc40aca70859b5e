/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app({ stage }) {
    const production = stage === 'production';
    return {
      name: 'livechat',
      home: 'aws',
      // In production, resources with data are retained, and `sst remove` is disabled.
      removal: production ? 'retain' : 'remove',
      protect: production,
      providers: {
        aws: {
          region: process.env.AWS_REGION || 'us-east-1',
          defaultTags: { tags: { app: 'livechat', stage } },
        },
        // The version that SST's components use.
        random: '4.16.6',
      },
    };
  },
  async run() {
    const { outputs } = await import('./stacks/app.ts');
    return outputs;
  },
});
