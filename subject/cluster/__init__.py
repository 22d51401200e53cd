"""The cluster at one moment, of what a look brought: values, and functions without IO."""
