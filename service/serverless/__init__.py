"""What AWS Lambda hands to the service: events of a Function URL, and events of files in S3."""
