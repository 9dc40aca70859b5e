/** Deploys the handler with SST: `BUS_NAME` and `MEDIA_BUCKET` are outputs of the bridge's deployment. */
export default $config({
  app: ({ stage }) => ({
    name: 'first-reply',
    home: 'aws',
    removal: stage === 'production' ? 'retain' : 'remove',
    providers: { aws: { region: process.env.AWS_REGION || 'us-east-1' } },
  }),
  async run() {
    const { BUS_NAME = 'omnichannel', MEDIA_BUCKET = '' } = process.env;
    if (!MEDIA_BUCKET) throw new Error('MEDIA_BUCKET: expected the name of the bucket of the bridge');
    const { default: pattern } = await import('./pattern.json');
    const bus = sst.aws.Bus.get('Bus', BUS_NAME);
    const failed = new sst.aws.Queue('Failed');
    bus.subscribe(
      'FirstReply',
      {
        handler: 'handler.handler',
        retries: 2,
        environment: { BUS_NAME },
        permissions: [
          { actions: ['events:PutEvents'], resources: [bus.arn] },
          // Large events are stored in this bucket.
          { actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${MEDIA_BUCKET}/events/*`] },
          { actions: ['sqs:SendMessage'], resources: [failed.arn] },
        ],
        transform: {
          eventInvokeConfig: { destinationConfig: { onFailure: { destination: failed.arn } } },
        },
      },
      { transform: { rule: { eventPattern: JSON.stringify(pattern) } } },
    );
  },
});
